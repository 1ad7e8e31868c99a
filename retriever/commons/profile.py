"""What Wikimedia Commons promises and demands, as data.

Sources: https://www.mediawiki.org/wiki/API:Etiquette and https://commons.wikimedia.org/wiki/Commons:Reusing_content.
"""

from datetime import timedelta

from retriever.profile import Hotlinking, SourceProfile

COMMONS = SourceProfile(
    name="commons",
    title="Wikimedia Commons",
    home_url="https://commons.wikimedia.org/",
    api_url="https://commons.wikimedia.org/w/api.php",
    credit="{creator}, {licence}, via Wikimedia Commons",
    credit_rule="owed as each licence says (not for CC0 and public domain)",
    mention="Pictures from Wikimedia Commons",
    page_size=50,  # no more thumbnails come with one answer
    deepest=10_000,
    rate_limit="one request after the other, fewer while its servers lag behind",
    answers_kept_for=timedelta(hours=24),
    pictures_kept_for=timedelta(hours=24),
    hotlinking=Hotlinking.ALLOWED,
)
