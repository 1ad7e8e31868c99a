"""A comparison in the hands of a person: it shows and saves itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from phrasepix.comparing.comparison import Comparison
from phrasepix_core.files import write_atomically

if TYPE_CHECKING:
    from rich.console import Group


@dataclass(frozen=True, eq=False, repr=False)
class LiveComparison(Comparison):
    """A comparison that shows itself, in a notebook as rows of pictures and on a terminal as tables, and is saved."""

    def save_page(self, path: str | Path) -> Path:
        """Write one self-contained HTML page that shows the rows; return its absolute path. Raises `NotWrittenError`.

        Pictures are embedded, but those whose source wants them shown by its own addresses (Unsplash).
        """
        from phrasepix.comparing.page import comparison_page

        return write_atomically(Path(path), comparison_page(self))

    def _repr_html_(self) -> str:
        from phrasepix.comparing.page import comparison_cards

        return comparison_cards(self)

    def _repr_mimebundle_(
        self, include: Sequence[str] | None = None, exclude: Sequence[str] | None = None
    ) -> Mapping[str, str]:
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}

    def __rich__(self) -> "Group":
        from phrasepix.comparing.table import comparison_table

        return comparison_table(self)
