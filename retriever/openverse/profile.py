"""What Openverse promises and demands, as data.

Sources: https://api.openverse.org/v1/ and https://docs.openverse.org/terms_of_service.html. The terms set no bound to
how long what an answer says is kept. They forbid to scrape the catalogue: nothing is asked for in order to be kept.
"""

from datetime import timedelta

from retriever.profile import FOR_GOOD, Hotlinking, SourceProfile

OPENVERSE = SourceProfile(
    name="openverse",
    title="Openverse",
    home_url="https://openverse.org/",
    api_url="https://api.openverse.org/v1/images/",
    credit="{creator}, {licence}, found by Openverse",  # where an answer brings no line of its own
    credit_rule="owed as each licence says (not for CC0 and public domain)",
    mention="Pictures found by Openverse",
    page_size=20,  # a request without a key for more is refused
    deepest=240,
    usual_limit=100,  # five requests: an hour of asking anonymously has few more
    rate_limit="without a key some 20 requests a minute and 200 a day",
    answers_kept_for=timedelta(hours=24),
    pictures_kept_for=timedelta(hours=24),
    hotlinking=Hotlinking.ALLOWED,
    remembered_for=FOR_GOOD,
)
