"""The tag as it is sent to a source."""

from retriever.errors import WrongParameterError

LONGEST = 100
"""Characters of a tag: a bound of our own, where the source documents none."""


def plain_tag(tag: str, *, longest: int = LONGEST, taker: str = "") -> str:
    """`tag` with single spaces.

    Raises `WrongParameterError` where it is longer than the `taker`, the source by its title, takes, or longer than
    any tag; or where it has control characters in it.
    """
    tag = " ".join(tag.split())
    if len(tag) > longest:
        taken = f"{taker} takes at most {longest}" if taker else f"at most {longest} are taken"
        raise WrongParameterError(
            f"the tag has {len(tag)} characters and {taken}; "
            "a tag is one or two nouns, the sentence belongs in the phrase"
        )
    if not tag.isprintable():
        raise WrongParameterError(f"the tag {tag!r} has control characters in it; give plain words")
    return tag
