"""From `Results` to HTML, by the templates beside this module."""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING

from markupsafe import Markup

from phrasepix.views.amounts import bytes_in_words, ms_in_words
from phrasepix.views.gallery.examples import example_candidates, shown_examples
from phrasepix.views.gallery.hotlinks import hotlinked, origin_of
from phrasepix.views.links import page_of, path_shown
from phrasepix.views.order_in_words import order_in_words
from phrasepix.views.terminal import deviations, number, says_more, short_name
from phrasepix.views.thumbnails import jpeg_data_url
from phrasepix.views.videos import video_note
from phrasepix_core.credit import card_credit
from phrasepix_core.text import shortened
from phrasepix_core.urls import lasting

if TYPE_CHECKING:
    from jinja2 import Environment

    from phrasepix.results import Results

_OWN = "phrasepix.views.gallery"
_OF_A_PAGE = ("page.html.jinja", "cards.html.jinja", "base.css", "style.css")


def prepare() -> None:
    """Compile a page's templates, in any thread: that takes as long as all the rest, and needs no results."""
    for name in _OF_A_PAGE:
        environment().get_template(name)


def gallery_page(results: "Results") -> str:
    """One self-contained HTML page: pictures embedded, no script, nothing loaded from anywhere.

    But for the pictures that their source wants shown by its own addresses, which the page may load, and nothing else.
    """
    candidates = [*(match.candidate for match in results), *example_candidates(results)]
    shown_from = sorted({origin_of(there.url) for one in candidates if (there := hotlinked(one))})
    return _rendered("page.html.jinja", results, shown_from=shown_from)


def gallery_cards(results: "Results") -> str:
    """The same cards as a fragment for a notebook's cell, its style kept to itself."""
    return _rendered("fragment.html.jinja", results)


def _rendered(template: str, results: "Results", **more: object) -> str:
    pictures = {match.rank: match.picture for match in results if not hotlinked(match.candidate)}
    with ThreadPoolExecutor() as threads:  # which Pillow's encoder makes use of
        embedded = dict(zip(pictures, threads.map(jpeg_data_url, pictures.values()), strict=True))
    examples = shown_examples(results, jpeg_data_url)
    shown = {"results": results, "order": order_in_words(results), "embedded": embedded, "examples": examples, **more}
    return environment().get_template(template).render(shown)


@lru_cache
def environment(package: str = _OWN) -> "Environment":
    """Return jinja's environment of a package's `templates` and, behind them, of the gallery's; all is escaped."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined  # for whoever makes a gallery alone

    from phrasepix.views.gallery.compiled_templates import compiled_templates

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(name, "templates") for name in dict.fromkeys((package, _OWN))]),
        autoescape=True,
        undefined=StrictUndefined,
        bytecode_cache=compiled_templates(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["card_credit"] = card_credit
    environment.filters["number"] = number
    environment.filters["deviations"] = deviations
    environment.filters["hotlinked"] = hotlinked
    environment.filters["lasting"] = lasting
    environment.filters["shortened"] = shortened
    environment.filters["video_note"] = video_note
    environment.filters["page"] = page_of
    environment.filters["path_shown"] = path_shown
    environment.filters["short_name"] = short_name
    environment.filters["says_more"] = says_more
    environment.filters["breakable"] = breakable
    environment.filters["bytes_in_words"] = bytes_in_words
    environment.filters["ms_in_words"] = ms_in_words
    return environment


def breakable(path: str) -> Markup:
    """A path that a browser may break behind its separators, escaped."""
    return Markup("/<wbr>").join(path.split("/"))
