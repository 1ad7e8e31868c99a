"""Matches in a notebook: cards that firm up while a search runs, plots by ipyplot, and orders side by side."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from phrasepix.views.gallery.hotlinks import hotlinked
from phrasepix_core.installing import install_command
from reranker.match import Match

if TYPE_CHECKING:
    from IPython.display import HTML

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


def side_by_side(orders: "Mapping[str, Results]", width: int = 180) -> "HTML":
    """Several results as the columns of one table, each headed by its name, pictures `width` pixels wide.

    Under each picture stand its rank and what its place is made of, as far as it is not 0: the score, less nearness,
    with words, less penalty, and their total. Raises `ImportError` outside a notebook's surroundings (IPython).
    """
    from IPython.display import HTML

    head = "".join(f"<th style='text-align: left'>{escape(name)}</th>" for name in orders)
    rows = "".join(
        f"<tr>{''.join(_cell(one[place], width) if place < len(one) else '<td></td>' for one in orders.values())}</tr>"
        for place in range(max(map(len, orders.values()), default=0))
    )
    return HTML(f"<table><tr>{head}</tr>{rows}</table>")  # type: ignore[no-untyped-call]


def _cell(match: Match, width: int) -> str:
    from phrasepix.views.thumbnails import jpeg_data_url

    parts = [
        f"{match.score:.3f}",
        f"− {match.nearness:.3f} nearness" if match.nearness else "",
        f"{'−' if match.bonus < 0 else '+'} {abs(match.bonus):.3f} words" if match.bonus else "",
        f"− {match.penalty:.3f} penalty" if match.penalty else "",
    ]
    place = " ".join(filter(None, parts))
    picture = picture_or_address(match)
    shown = picture if isinstance(picture, str) else jpeg_data_url(picture)
    total = f" = <b>{match.total:.3f}</b>" if len(place) > len(parts[0]) else ""
    size = f"width: {width}px; height: {width * 3 // 4}px; object-fit: contain; object-position: left top"
    return (
        f"<td style='text-align: left; vertical-align: top'><img src='{shown}' alt='{escape(repr(match))}' "
        f"style='{size}'><br>{match.rank}. {place}{total}<br>{escape(match.candidate.credit)}</td>"
    )


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
