"""What Pixabay promises and demands, as data.

Sources: https://pixabay.com/api/docs/ and https://pixabay.com/service/license-summary/.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceProfile:
    """Who a source is to people, and under which terms its pictures come.

    `credit` is a template with `{creator}`; `mention` is what must stand wherever results are shown.
    `key_url` is where a key is to be had.
    """

    name: str
    title: str
    home_url: str
    api_url: str
    key_url: str
    key_variable: str
    key_setting: str
    licence: str
    licence_url: str
    credit: str
    mention: str


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
    mention="Pictures from Pixabay",
)
