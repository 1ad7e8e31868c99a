"""Matches in a notebook: cards that firm up while a search runs, and plots by ipyplot."""

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from phrasepix.gallery.hotlinks import hotlinked
from phrasepix_core.installing import install_command
from reranker.match import Match

if TYPE_CHECKING:
    from phrasepix.results import Results


def watch(stream: "Iterable[Results]") -> "Results":
    """Show the results of `stream_images` as they firm up, in one place of the notebook; returns the final ones.

    Raises `ImportError` outside a notebook's surroundings (IPython).
    """
    from IPython.display import DisplayHandle

    handle = DisplayHandle()  # type: ignore[no-untyped-call]
    shown = False
    for results in stream:
        if shown:
            handle.update(results)  # type: ignore[no-untyped-call]
        else:
            handle.display(results)  # type: ignore[no-untyped-call]
        shown = True
    return results


def plot(results: "Results", width: int) -> None:
    """Plot the matches as a grid, `width` pixels each, labelled with rank, score and credit."""
    try:
        import ipyplot
        from IPython.display import display
    except ModuleNotFoundError as error:
        raise ImportError(f"show() needs ipyplot: {install_command('ipyplot', 'jupyter')}") from error
    if not results:
        display(results)  # type: ignore[no-untyped-call]  # says so itself
        return
    # ipyplot makes an array of what it gets: pictures of unequal sizes must come as objects, one by one.
    pictures = np.empty(len(results), dtype=object)
    for index, match in enumerate(results):
        pictures[index] = picture_or_address(match)
    # It also writes labels into HTML as they are.
    labels = [
        escape(" · ".join(filter(None, (f"{match.rank}. {match.score:.3f}", match.fit, match.candidate.credit))))
        for match in results
    ]
    ipyplot.plot_images(pictures, labels=labels, img_width=width, show_url=False)


def picture_or_address(match: Match) -> Image.Image | str:
    """The picture; for HTML its address where the source wants that, so that no copy of it stands in the notebook."""
    there = hotlinked(match.candidate)
    return match.picture if there is None else escape(there.url)
