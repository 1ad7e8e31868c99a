"""A comparison as HTML: a page of its own, or a notebook's cell. Everything from outside is escaped."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from phrasepix.comparing.comparison import Comparison, EncoderRow, is_found
from phrasepix.comparing.drawing import PairDrawing, drawing_of
from phrasepix.events import Notice
from phrasepix.results import Origin
from phrasepix.views.gallery.hotlinks import hotlinked, origin_of
from phrasepix.views.gallery.render import environment
from phrasepix.views.thumbnails import jpeg_data_url
from phrasepix_core.candidate import Candidate

if TYPE_CHECKING:
    from PIL import Image

_TEMPLATES: Final = "phrasepix.comparing"
_CARD: Final = (280, 210)
"""The pixels of a picture in a row, at most: twice what it is shown in."""
_IN_PAIR: Final = (480, 360)
_SIZE_OF_NONE: Final = (4, 3)
"""The shape of a question that is not at hand."""


def comparison_page(comparison: Comparison) -> str:
    """Return one self-contained HTML page: pictures embedded, no script, nothing loaded from anywhere.

    But for the pictures that their source wants shown by its own addresses, which the page may load, and nothing else.
    """
    shown_from = sorted({origin_of(there.url) for one in _candidates(comparison) if (there := hotlinked(one))})
    return _rendered("page_of_rows.html.jinja", comparison, shown_from=shown_from)


def comparison_cards(comparison: Comparison) -> str:
    """Return the same as a fragment for a notebook's cell, its style kept to itself."""
    return _rendered("cell_of_rows.html.jinja", comparison)


def _rendered(template: str, comparison: Comparison, **more: object) -> str:
    pictures = _Pictures(comparison)
    common = _common_notices(comparison)
    return (
        environment(_TEMPLATES)
        .get_template(template)
        .render(
            comparison=comparison,
            question=pictures.question(_IN_PAIR),
            pictures=pictures,
            drawings={row.name: _drawings(comparison, row) for row in comparison},
            notices=common,
            own_notices={
                row.name: [text for one in _notices(row) if (text := str(one)) not in common] for row in comparison
            },
            origins=_origins(comparison),
            is_found=is_found,
            **more,
        )
    )


class _Pictures:
    """The addresses of a comparison's pictures, each JPEG made once."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        shown: dict[tuple[str, str], Image.Image] = {
            match.candidate.identity: match.picture
            for row in comparison
            for match in row.matches
            if not hotlinked(match.candidate)
        }
        with ThreadPoolExecutor() as threads:  # which Pillow's encoder makes use of
            small = threads.map(lambda picture: jpeg_data_url(picture, _CARD), shown.values())
            self._small = dict(zip(shown, small, strict=True))
        self._drawn = {
            row.matches[pair.rank - 1].candidate.identity: row.matches[pair.rank - 1].picture
            for row in comparison
            for pair in row.pairs
        }

    def small(self, candidate: Candidate) -> str:
        """The address of a picture in a row."""
        there = hotlinked(candidate)
        return there.url if there else self._small[candidate.identity]

    def large(self, candidate: Candidate) -> str:
        """The address of a picture that is drawn upon."""
        there = hotlinked(candidate)
        return there.url if there else jpeg_data_url(self._drawn[candidate.identity], _IN_PAIR)

    def question(self, box: tuple[int, int]) -> str:
        """The address of the question; empty where it is not at hand."""
        question, picture = self._comparison.question, self._comparison.picture
        if question.candidate is not None and (there := hotlinked(question.candidate)):
            return there.url
        return "" if picture is None else jpeg_data_url(picture, box)


def _drawings(comparison: Comparison, row: EncoderRow) -> list[PairDrawing]:
    size = _SIZE_OF_NONE if comparison.picture is None else comparison.picture.size
    return [drawing_of(pair, size, row.matches[pair.rank - 1].picture.size) for pair in row.pairs]


def _candidates(comparison: Comparison) -> list[Candidate]:
    own = comparison.question.candidate
    found = [match.candidate for row in comparison for match in row.matches]
    return found if own is None else [own, *found]


def _common_notices(comparison: Comparison) -> list[str]:
    """What every search has said, in the order in which the first one said it."""
    said = [[str(one) for one in _notices(row)] for row in comparison if row.results is not None]
    return [text for text in (said[0] if said else []) if all(text in texts for texts in said)]


def _notices(row: EncoderRow) -> tuple[Notice, ...]:
    return () if row.results is None else row.results.notices


def _origins(comparison: Comparison) -> tuple[Origin, ...]:
    found = (origin for row in comparison if row.results is not None for origin in row.results.origins)
    return tuple({origin.name: origin for origin in found}.values())
