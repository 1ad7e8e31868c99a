"""What a source promises and demands, as data."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from phrasepix_core.licence import where_named

FOR_GOOD = timedelta.max
"""A span without a bound."""

USUAL_LIMIT = 200
"""How many candidates of a source are looked at for each tag where neither it nor anybody else says."""


class Hotlinking(StrEnum):
    """Whether results may show a picture by its address at the source."""

    FORBIDDEN = "forbidden"
    ALLOWED = "allowed"
    REQUIRED = "required"


def address_variable_of(name: str) -> str:
    """The environment variable that may name another address of a source's API, by the source's name."""
    return f"{name.upper()}_API_URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceProfile:
    """Who a source is to people, and under which terms its pictures come.

    `key_url`, `key_variable` and `key_setting` say where a key is to be had and where it is looked for; all empty where
    none is needed. `licence` and `licence_url` are empty where each picture has its own. `credit` is a template with
    `{creator}` and, where each picture has its own, `{licence}`; `mention` is what must stand wherever results are
    shown; `credit_rule` and `download_duty` say in a few words what is owed to whom (`download_duty` is empty where
    nothing is). At most `page_size` pictures come with one answer and `deepest` of one question, and `usual_limit` are
    looked at where nobody says how many (None: all); `rate_limit` is said in words. Answers are kept for
    `answers_kept_for`. Files of pictures are kept for a day or, where they may not be for so long
    (`pictures_kept_for`), not at all. `has_videos` says whether videos can be asked for.
    """

    name: str
    title: str
    home_url: str
    api_url: str
    mention: str
    credit: str
    credit_rule: str = "welcome"
    licence: str = ""
    licence_url: str = ""
    key_url: str = ""
    key_variable: str = ""
    key_setting: str = ""
    page_size: int
    deepest: int
    usual_limit: int | None = USUAL_LIMIT
    rate_limit: str = "none said"
    answers_kept_for: timedelta = timedelta(hours=24)
    pictures_kept_for: timedelta = timedelta(hours=24)
    hotlinking: Hotlinking = Hotlinking.ALLOWED
    download_duty: str = ""
    has_videos: bool = False
    remembered_for: timedelta = timedelta(0)
    """How long its terms let people keep what it said of a picture, with the picture's addresses but without its file:
    none of it by default, `FOR_GOOD` without a bound."""
    why_not_remembered: str = "its terms are not known to let what it says of pictures be kept"
    """Why nothing is kept where `remembered_for` is nothing: goes on from the source's title and a colon."""

    why_not_trained_on: str = ""
    """Why no model may be trained on pictures that came from it, where its terms say so: goes on from the source's
    title and a colon."""

    @property
    def may_be_remembered(self) -> bool:
        """Whether what the source said of a picture may be kept beyond the search."""
        return self.remembered_for > timedelta(0)

    @property
    def address_variable(self) -> str:
        """The environment variable that may name another address of the API."""
        return address_variable_of(self.name)

    def credit_of(self, creator: str, licence: str = "") -> str:
        """The line that credits `creator`, or says that nobody is named.

        It has no licence if none is known, or if the creator's own words for the credit have it already.
        """
        is_lacking = licence and not where_named(creator, licence)
        template = self.credit if is_lacking else self.credit.replace("{licence}, ", "")
        return template.format(creator=creator or "an unnamed creator", licence=licence)

    @property
    def needs_key(self) -> bool:
        """Whether the source answers only to those who have a key."""
        return bool(self.key_variable)
