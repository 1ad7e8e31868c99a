"""What a writer may ask of the candidates besides the tag."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Wishes about the candidates, in words every source shares.

    Each source checks the values against what it knows before anything is sent, and refuses an
    unknown one with the allowed values. `min_width` and `min_height` are pixels of the original;
    `language` is the tag's language; `safe_search` keeps to pictures fit for all ages.
    """

    media_type: str = "photo"
    orientation: str = "all"
    language: str = "en"
    category: str | None = None
    colours: tuple[str, ...] = ()
    min_width: int = 0
    min_height: int = 0
    editors_choice: bool = False
    safe_search: bool = True
    order: str = "popular"


NO_FILTERS = Filters()
