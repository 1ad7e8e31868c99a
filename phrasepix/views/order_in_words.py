"""The order of results in words: by what pictures were ranked, and what may look odd about it."""

from collections.abc import Iterator

from phrasepix.results import Results
from reranker.query import Example, Part, Phrase, TaughtName


def order_in_words(results: Results) -> list[str]:
    """Sentences that explain the order; none if it is simply by how well each shows one phrase."""
    return list(_sentences(results))


def _sentences(results: Results) -> Iterator[str]:
    # Without the phrases and titles themselves: they may run from right to left, and stand in the heading.
    wanted = results.query.wanted if results.query else ()
    asked = [part for part in wanted if not _was_liked(part)] or list(wanted)
    phrases = [part for part in asked if isinstance(part, Phrase)]
    pictures = [part for part in asked if isinstance(part, Example)]
    names = [part for part in asked if isinstance(part, TaughtName)]
    if len(asked) > 1:
        kinds = ((names, "taught name"), (phrases, "phrase"), (pictures, "picture"))
        both = _listed([words for parts, kind in kinds for words in _counted(len(parts), kind)])
        yield f"Ordered by {both} together, each by how much these pictures differ in it."
    elif pictures:
        yield "Ordered by likeness to the picture, which is left out itself."
    elif names:
        yield "Ordered by likeness to the pictures by which the name was taught."
    if any(match.agreement is not None for match in results):
        yield (
            "The nearest were compared point by point: the score is n / (n + 8) for n key points that one perspective "
            "maps onto each other; 0.5 is eight, fewer than six count as none. Among equals the first score decides."
        )
    liked = sum(_was_liked(part) for part in wanted) if asked != list(wanted) else 0
    disliked = sum(_was_liked(part) for part in results.unwanted)
    if liked or disliked:
        moves = [f"towards the {liked} preferred"] * bool(liked) + [f"away from the {disliked} avoided"] * bool(
            disliked
        )
        yield f"Moved {' and '.join(moves)}."
    if any(not _was_liked(part) for part in results.unwanted):
        yield (
            "Ranks go by score less penalty: how much more a picture resembles what is not wanted than these pictures "
            "do on average."
        )
    if any(match.nearness for match in results):
        yield "Less nearness: a picture that is near every caption loses the places it takes from others."
    if any(match.bonus for match in results):
        yield "More for words: those of the phrase that the source's tags and title for a picture have."
    if results.refined_by:
        yield f"The best were ranked again by {results.refined_by}; the others stay behind them."
    if results.diverse:
        yield (
            f"Spread ({results.diverse:g} of 1): the best first, then what fits and differs from all above it, so that "
            "scores may rise again further down."
        )


def _was_liked(part: Part) -> bool:
    """Whether it is a match that was preferred or avoided."""
    return isinstance(part, Example) and part.stays


def _counted(count: int, name: str) -> list[str]:
    return [] if not count else [f"the {name}"] if count == 1 else [f"the {count} {name}s"]


def _listed(words: list[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)
