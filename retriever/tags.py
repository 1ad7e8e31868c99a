"""The tag as it is sent to a source."""

from retriever.errors import WrongParameterError

LONGEST = 100
"""Characters of a tag: a bound of our own, where the source documents none."""


def plain_tag(tag: str) -> str:
    """`tag` with single spaces.

    Raises `WrongParameterError` where it is longer than any tag, or has control characters in it.
    """
    tag = " ".join(tag.split())
    if len(tag) > LONGEST:
        raise WrongParameterError(
            f"the tag has {len(tag)} characters and at most {LONGEST} are taken; "
            "a tag is one or two nouns, the sentence belongs in the phrase"
        )
    if not tag.isprintable():
        raise WrongParameterError(f"the tag {tag!r} has control characters in it; give plain words")
    return tag
