"""For people who build on stage 1: a double of its seam, candidates for tests, and the contract of a source.

The tests of a plug-in, in three lines; pytest shows each promise as a test of its own:

    @pytest.mark.parametrize(("name", "check"), source_checks(SOURCE, opening=Opening(base_url=URL), tag="boat"))
    def test_the_source_keeps_its_promises(name, check):
        check()

or all at once, by `check_source(SOURCE, opening=Opening(base_url=URL), tag="boat")`. `URL` is of a server on this
machine that answers as the real one does: the checks ask some dozens of times, also with a wrong key.
"""

from collections.abc import Callable

from phrasepix_core.contracts import BrokenPromiseError
from retriever.protocol import Retriever
from retriever.source import Opening, Source
from retriever.testing import asking_checks, candidate_checks  # noqa: F401  # they state the promises
from retriever.testing.candidates import made_candidate
from retriever.testing.doubles import ListRetriever
from retriever.testing.trial import CONTRACT, SourceTrial

__all__ = ["BrokenPromiseError", "ListRetriever", "check_source", "made_candidate", "source_checks"]

UNKNOWN_TAG = "qzxvkwj"
"""A word of no language."""


def source_checks(
    source: Source | Retriever,
    *,
    opening: Opening | None = None,
    tag: str = "tree",
    unknown_tag: str = UNKNOWN_TAG,
    limit: int = 20,
) -> list[tuple[str, Callable[[], None]]]:
    """Return the checks of a source: each one's name, and a function that runs it.

    `source` is a `Source`, or a `Retriever` that is open: then what is promised of opening is skipped. `opening` is how
    it is opened, with the key that its server takes. `tag` finds two pictures at least, `unknown_tag` none; a `limit`
    beyond one page of answers lets the checks see that pages are asked for one by one.

    A check raises `BrokenPromiseError`, which says what was given, what came and where the promise is documented, or
    `unittest.SkipTest` if it cannot tell. Give each test a cache directory of its own (`PHRASEPIX_CACHE_DIR`): of what
    is kept, nothing is asked for again.
    """
    return CONTRACT.checks(*_trial(source, opening, tag, unknown_tag, limit))


def check_source(
    source: Source | Retriever,
    *,
    opening: Opening | None = None,
    tag: str = "tree",
    unknown_tag: str = UNKNOWN_TAG,
    limit: int = 20,
) -> dict[str, str]:
    """Run all checks of a source. Return those that could not tell, each name with its reason.

    Takes what `source_checks` takes. Raises `BrokenPromiseError` for the first promise that is not kept.
    """
    return CONTRACT.check(*_trial(source, opening, tag, unknown_tag, limit))


def _trial(
    source: Source | Retriever, opening: Opening | None, tag: str, unknown_tag: str, limit: int
) -> tuple[SourceTrial, str]:
    if isinstance(source, Source):
        name = getattr(source.profile, "name", type(source).__name__)
    elif isinstance(source, Retriever):
        name = source.name
    else:
        raise TypeError(f"{source!r} is neither a retriever.Source nor a retriever.Retriever")
    return SourceTrial(source, opening or Opening(), tag, unknown_tag, limit), f"source {name!r}"
