"""What Wikimedia Commons promises and demands, as data.

Sources: https://www.mediawiki.org/wiki/API:Etiquette and https://commons.wikimedia.org/wiki/Commons:Reusing_content.
What it says of a picture may be kept for good: structured data are CC0, other text is CC BY-SA
(https://commons.wikimedia.org/wiki/Commons:Licensing), and pictures may be shown by their addresses
(https://commons.wikimedia.org/wiki/Commons:Reusing_content_outside_Wikimedia, “Hotlinking”).
"""

from datetime import timedelta

from retriever.profile import FOR_GOOD, Hotlinking, SourceProfile

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
    remembered_for=FOR_GOOD,
)
