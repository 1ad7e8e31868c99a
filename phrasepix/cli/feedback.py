"""`--prefer RANKS --avoid RANKS`: the same pictures in an order nearer to what is meant."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phrasepix.results import Results
    from phrasepix.settings import SearchProgress


def check_feedback(prefer: str | None, avoid: str | None, top: int) -> None:
    """Say what is wrong with the options before anything is searched for.

    Raises `WrongPickError`.
    """
    if prefer is None and avoid is None:
        return
    from phrasepix.errors import WrongPickError
    from phrasepix.saving.pick import ranks_among

    liked, disliked = (() if ranks is None else ranks_among(ranks, top) for ranks in (prefer, avoid))
    if both := set(liked) & set(disliked):
        raise WrongPickError(f"picture {min(both)} is both preferred and to be avoided; decide for one")


def refined(
    results: "Results", prefer: str | None, avoid: str | None, on_progress: "Callable[[SearchProgress], None]"
) -> "Results":
    """The results by what was said of them; as they are where nothing was said, or nothing found."""
    if not results or (prefer is None and avoid is None):
        return results
    return results.refined(() if prefer is None else prefer, () if avoid is None else avoid, on_progress=on_progress)
