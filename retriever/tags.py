"""What a source is asked for: the tag as it is sent, and how many."""

from phrasepix_core.messages import Hint
from phrasepix_core.text import is_control, same_text, without_invisible
from retriever.errors import WrongParameterError

LONGEST = 100
"""Characters of a tag: a bound of our own, where the source documents none."""


def plain_tag(tag: str, *, longest: int = LONGEST, taker: str = "") -> str:
    """`tag` in one line, with nothing invisible in it.

    Raises `WrongParameterError` if it is longer than the `taker`, the source by its title, takes, or longer than any
    tag; or if it has control characters in it.
    """
    tag = without_controls(tag)
    if len(tag) > longest:
        taken = f"{taker} takes at most {longest}" if taker else f"at most {longest} are taken"
        raise WrongParameterError(
            f"the tag has {len(tag)} characters and {taken}; "
            "a tag is one or two nouns, the sentence belongs in the phrase"
        )
    return tag


def without_controls(tag: str) -> str:
    """`tag` in one line, with nothing invisible in it. Raises `WrongParameterError` if it has control characters."""
    spaced = " ".join(without_invisible(tag).split())
    if any(is_control(character) for character in spaced):
        raise WrongParameterError(f"the tag {spaced!r} has control characters in it; give plain words")
    return same_text(spaced)


def demand_tag(tag: str) -> None:
    """Raise `WrongParameterError` if there is nothing in `tag`."""
    if not tag.strip():
        raise WrongParameterError(
            "the tag is empty; give the main noun of what you look for, such as ", Hint("tag", "tiger")
        )


def demand_limit(limit: object) -> None:
    """Raise `WrongParameterError` if `limit` is no whole number from 1."""
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise WrongParameterError(f"limit {limit!r} is out of range; allowed: whole numbers from 1")
