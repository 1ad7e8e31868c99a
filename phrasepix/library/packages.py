"""The packages of the extra `library`."""

from importlib.util import find_spec

from phrasepix.errors import WrongValueError
from phrasepix_core.installing import install_command

_PACKAGES = {"lance": "pylance", "duckdb": "duckdb"}
"""What each module is called on the package index."""


def demand_packages(*modules: str) -> None:
    """Raise `WrongValueError`, saying how they are installed, if one of the modules `lance` and `duckdb` is missing."""
    if missing := [_PACKAGES[module] for module in modules if find_spec(module) is None]:
        raise WrongValueError(f"a library needs {' and '.join(missing)}: {install_command(*missing)}")
