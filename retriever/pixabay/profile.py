"""What Pixabay promises and demands, as data.

Sources: https://pixabay.com/api/docs/ and https://pixabay.com/service/license-summary/. The former has answers cached
for 24 hours, and lets addresses of pictures be used to show results for a time, not for good.
"""

from datetime import timedelta

from retriever.profile import Hotlinking, SourceProfile

PIXABAY = SourceProfile(
    name="pixabay",
    title="Pixabay",
    home_url="https://pixabay.com/",
    api_url="https://pixabay.com/api/",
    key_url="https://pixabay.com/api/docs/",
    key_variable="PIXABAY_API_KEY",
    key_setting="pixabay_api_key",
    # Old uploads were CC0, but since when they are not is disputed: no result is ever called CC0.
    licence="Pixabay Content License",
    licence_url="https://pixabay.com/service/license-summary/",
    credit="{creator} on Pixabay",
    credit_rule="welcome",
    mention="Pictures from Pixabay",
    page_size=200,
    deepest=500,
    rate_limit="100 requests a minute",
    answers_kept_for=timedelta(hours=24),  # demanded
    pictures_kept_for=timedelta(hours=24),
    hotlinking=Hotlinking.FORBIDDEN,
    has_videos=True,
    remembered_for=timedelta(hours=24),
)
