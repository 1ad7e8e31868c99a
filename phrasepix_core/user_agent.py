"""What this program says it is to those it asks."""

from phrasepix_core import __version__, environment

CONTACT_VARIABLE = "PHRASEPIX_CONTACT"
"""The environment's name for an address (mail or page) at which a source can reach who is asking."""


def user_agent() -> str:
    """The `User-Agent` of a request: program, purpose and, if the person gives one, a contact."""
    contact = "".join(c for c in environment.variable(CONTACT_VARIABLE) if " " <= c <= "~")
    return f"phrasepix/{__version__} (finds the picture a sentence describes{f'; {contact}' if contact else ''})"
