"""The packages of the extras `library` and `ray`."""

from phrasepix.errors import WrongValueError
from phrasepix_core.extras import why_unavailable


def demand_packages(*modules: str, what: str = "a library") -> None:
    """Raise `WrongValueError`, saying how they are installed, if one of the modules that `what` needs is missing."""
    if why := why_unavailable(what, *modules):
        raise WrongValueError(why)
