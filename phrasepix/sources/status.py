"""Status of each source: what it needs, whether it is ready, and its terms in a few words."""

from dataclasses import dataclass
from typing import Any

from phrasepix.errors import PhrasepixError, SourceFaultError
from phrasepix.sources.registry import BUILT_IN, source_named, source_names
from retriever.api_key import find_api_key, how_to_get_a_key
from retriever.errors import ConfigFileError
from retriever.profile import FOR_GOOD, SourceProfile

_BOUNDLESS = 1_000_000
"""A source that gives so many pictures to one question gives them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """A source by its `name`, and its `profile` where it can be loaded.

    `key` is “none needed”, “found”, “missing”, or empty where that cannot be told; `remedy` is what to do (or why it
    cannot be loaded) where the source is not ready, else empty.
    """

    name: str
    profile: SourceProfile | None
    key: str
    remedy: str

    @property
    def is_built_in(self) -> bool:
        """Whether it comes along with phrasepix."""
        return self.name in BUILT_IN

    @property
    def is_ready(self) -> bool:
        """Whether a search can name it as things are."""
        return not self.remedy

    def to_dict(self) -> dict[str, Any]:
        """Return what is known of the source, as Python holds JSON; without a profile only name, key and remedy."""
        facts: dict[str, Any] = {
            "name": self.name,
            "built_in": self.is_built_in,
            "ready": self.is_ready,
            "key": self.key,
            "remedy": self.remedy,
        }
        if (profile := self.profile) is None:
            return facts
        return facts | {
            "title": profile.title,
            "home_url": profile.home_url,
            "key_url": profile.key_url,
            "key_variable": profile.key_variable,
            "key_setting": profile.key_setting,
            "rate_limit": profile.rate_limit,
            "page_size": profile.page_size,
            "deepest": profile.deepest,
            "licence": profile.licence,
            "licence_url": profile.licence_url,
            "mention": profile.mention,
            "credit": profile.credit,
            "credit_rule": profile.credit_rule,
            "hotlinking": profile.hotlinking.value,
            "download_duty": profile.download_duty,
            "has_videos": profile.has_videos,
            "answers_kept_for_s": profile.answers_kept_for.total_seconds(),
            "pictures_kept_for_s": profile.pictures_kept_for.total_seconds(),
            "remembered_for_s": None if profile.remembered_for == FOR_GOOD else profile.remembered_for.total_seconds(),
        }


def source_statuses() -> list[SourceStatus]:
    """All sources, those of other packages included; one that cannot be loaded is in the list with the reason."""
    return [_listed(name) for name in source_names()]


def _listed(name: str) -> SourceStatus:
    try:
        profile = source_named(name).profile
    except Exception as fault:  # another package may do anything wrong
        error = fault if isinstance(fault, PhrasepixError) else SourceFaultError.of(name, fault)
        return SourceStatus(name=name, profile=None, key="", remedy=str(error))
    key, remedy = _key(profile)
    return SourceStatus(name=name, profile=profile, key=key, remedy=remedy)


def _key(profile: SourceProfile) -> tuple[str, str]:
    if not profile.needs_key:
        return "none needed", ""
    try:
        if find_api_key(profile.key_variable, profile.key_setting) is not None:
            return "found", ""
    except ConfigFileError as error:
        return "", str(error)
    return "missing", how_to_get_a_key(profile.key_url, profile.key_variable, profile.key_setting)


def limits_in_words(profile: SourceProfile) -> str:
    """How often a source may be asked, and how much it gives to one question."""
    if profile.deepest >= _BOUNDLESS:
        return profile.rate_limit
    return f"{profile.rate_limit}; {profile.deepest} pictures a question, {profile.page_size} a page"


def credit_in_words(profile: SourceProfile) -> str:
    """What is owed to whom, and the line as the source wants it."""
    line = profile.credit.replace("{creator}", "NAME").replace("{licence}", "LICENCE")
    return f"{profile.credit_rule}: “{line}”" if line else profile.credit_rule
