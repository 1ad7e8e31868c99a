"""Packages that only some models need."""

from importlib.util import find_spec

from phrasepix_core.installing import install_command
from reranker.errors import ModelError


def demand_package(package: str, what: str) -> None:
    """Raise `ModelError`, saying how it is installed, where a `package` that `what` needs is not here."""
    if find_spec(package) is None:
        raise ModelError(
            f"{what} needs the package {package}: {install_command('sentence-transformers', 'transformers')}"
        )
