"""What is left of each source's rate limit."""

from phrasepix.errors import PhrasepixError
from phrasepix_core import environment
from retriever.api_key import find_api_key
from retriever.http.budget import RequestsLeft
from retriever.http.rate_limiter import LIMITERS
from retriever.profile import SourceProfile


def requests_left(profile: SourceProfile, key: str | None = None, base_url: str | None = None) -> RequestsLeft | None:
    """Return what is left of a source's rate limit, as its last answer to this process said; None if it is not known.

    `key` and `base_url` stand in for the environment's and the config file's, as for a search.
    """
    try:
        found = find_api_key(profile.key_variable, profile.key_setting, key) if profile.needs_key else None
    except PhrasepixError:  # said by whoever needs the key
        return None
    url = base_url or environment.variable(profile.address_variable) or profile.api_url
    return LIMITERS.of(profile.name, url, found).left()
