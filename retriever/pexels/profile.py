"""What Pexels promises and demands, as data.

Sources: https://www.pexels.com/api/documentation/, https://www.pexels.com/license/ and
https://help.pexels.com/hc/en-us/articles/900005880463-What-are-the-Terms-and-Conditions. The guidelines forbid to copy
or replicate what Pexels does, and do not say that answers may be kept: a finder of one's own over them might be that.
"""

from datetime import timedelta

from phrasepix_core.licence import Licence
from retriever.profile import Hotlinking, SourceProfile

PEXELS_LICENCE = Licence(
    "Pexels License", "https://www.pexels.com/license/", commercial=True, modification=True, credit_owed=False
)

PEXELS = SourceProfile(
    name="pexels",
    title="Pexels",
    home_url="https://www.pexels.com/",
    api_url="https://api.pexels.com/v1/",
    key_url="https://www.pexels.com/api/key/",
    key_variable="PEXELS_API_KEY",
    key_setting="pexels_api_key",
    licence=PEXELS_LICENCE.name,
    licence_url=PEXELS_LICENCE.url,
    credit="Photo by {creator} on Pexels",
    credit_rule="welcome by the licence; asked for of whoever uses the API, with a link to the photo's page",
    mention="Photos provided by Pexels",
    page_size=80,
    deepest=200 * 80,  # no depth is documented: what an hour's requests bring
    rate_limit="200 requests an hour, 20 000 a month",
    answers_kept_for=timedelta(hours=24),  # nothing is demanded: a courtesy, with so few requests
    pictures_kept_for=timedelta(hours=24),
    hotlinking=Hotlinking.ALLOWED,
    why_not_remembered="its API's guidelines do not say that answers may be kept, and forbid to replicate Pexels",
    why_not_trained_on="its terms forbid to use its pictures for machine learning",
)
