"""Packages that only some models need."""

from phrasepix_core.extras import why_unavailable
from reranker.errors import ModelError


def demand_package(package: str, what: str) -> None:
    """Raise `ModelError`, saying how it is installed, where a `package` that `what` needs is not here."""
    if why := why_unavailable(what, package):
        raise ModelError(why)


def demand_torch(what: str) -> None:
    """Raise `ModelError`, saying how they are installed, where torch or open_clip, which `what` needs, is not here."""
    if why := why_unavailable(what, "torch", "open_clip"):
        raise ModelError(why)
