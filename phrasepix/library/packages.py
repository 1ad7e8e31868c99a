"""The packages of the extra `library`."""

from phrasepix.errors import WrongValueError
from phrasepix_core.extras import why_unavailable


def demand_packages(*modules: str) -> None:
    """Raise `WrongValueError`, saying how they are installed, if one of the modules `lance` and `duckdb` is missing."""
    if why := why_unavailable("a library", *modules):
        raise WrongValueError(why)
