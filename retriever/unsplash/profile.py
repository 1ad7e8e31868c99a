"""What Unsplash promises and demands, as data.

Sources: https://unsplash.com/documentation, https://help.unsplash.com/en/articles/2511245-unsplash-api-guidelines and
https://unsplash.com/license. The guidelines forbid data mining and the training of models
(https://help.unsplash.com/en/articles/2511256-guideline-high-quality-authentic-experiences), and do not say that
answers may be kept.
"""

from datetime import timedelta

from phrasepix_core.licence import Licence
from retriever.profile import Hotlinking, SourceProfile

REFERRAL = "utm_source=phrasepix&utm_medium=referral"
"""The query that every link to Unsplash carries."""

# The licence alone would not owe the credit; the terms of the API, by which the photo came, do.
UNSPLASH_LICENCE = Licence(
    "Unsplash License", "https://unsplash.com/license", commercial=True, modification=True, credit_owed=True
)

UNSPLASH = SourceProfile(
    name="unsplash",
    title="Unsplash",
    home_url=f"https://unsplash.com/?{REFERRAL}",
    api_url="https://api.unsplash.com/",
    key_url="https://unsplash.com/oauth/applications",
    key_variable="UNSPLASH_ACCESS_KEY",
    key_setting="unsplash_access_key",
    licence=UNSPLASH_LICENCE.name,
    licence_url=UNSPLASH_LICENCE.url,
    credit="Photo by {creator} on Unsplash",
    credit_rule="owed by the API's terms, with links to the photographer and to Unsplash",
    mention="Photos from Unsplash",
    page_size=30,
    deepest=50 * 30,  # no depth is documented: what a demo key's hour brings
    rate_limit="50 requests an hour with a demo key, 5000 in production; files do not count",
    answers_kept_for=timedelta(hours=24),  # nothing is demanded: a courtesy, with so few requests
    pictures_kept_for=timedelta(0),
    hotlinking=Hotlinking.REQUIRED,
    why_not_remembered="its API's guidelines do not say that answers may be kept, and forbid data mining",
    why_not_trained_on="its API's guidelines forbid to train models on what it brings",
    download_duty="the photo's download_location is asked, and the file it names is fetched",
)
