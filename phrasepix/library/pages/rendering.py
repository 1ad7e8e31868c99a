"""Pages of a library, from the templates beside this module."""

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def rendered(template: str, **shown: object) -> str:
    """Return a page; all that is shown is escaped."""
    return _environment().get_template(template).render(shown)


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("phrasepix.library.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["counted"] = counted
    return environment


def counted(number: int, what: str = "picture") -> str:
    """Return a number with what it counts: “1 picture”, “1,234 pictures”."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
