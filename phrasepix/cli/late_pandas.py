"""Arrow without pandas, until somebody uses pandas."""

import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from importlib.abc import Loader

_ARROW_DATASET: Final = "pyarrow._dataset"
_PANDAS: Final = "pandas"


class LatePandas:
    """Finds modules, but for Arrow no pandas: it does without as long as nobody else imports it.

    Lance imports `pyarrow._dataset`. That makes a scalar, True, of which Arrow asks whether it is one of pandas', which
    it imports for the question where it is installed; no call of ours could spare it that. Here it does not find it. It
    looks no second time by itself: when pandas is imported after all, by a plug-in, it is told, and knows series and
    frames from then on. What it does not learn any more in this process is that pandas' missing values (`NA`, `NaT`)
    among other objects are missing ones; so this is not for processes in which others handle tables, as Ray does.
    """

    def __init__(self) -> None:
        self._hidden_from: int | None = None
        """The thread that imports the part of Arrow."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the two modules as they are found without this, to be loaded by what sees to pandas."""
        if fullname not in {_ARROW_DATASET, _PANDAS}:
            return None
        if fullname == _PANDAS and self._hidden_from == threading.get_ident():
            raise ModuleNotFoundError("pandas is not looked for", name=_PANDAS)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            loading = self._without_pandas if fullname == _ARROW_DATASET else _and_tell_arrow
            spec.loader = cast("Loader", _LoadingOtherwise(spec.loader, loading))
        return spec

    def _without_pandas(self, load: Callable[[], None]) -> None:
        self._hidden_from = threading.get_ident()
        try:
            load()
        finally:
            self._hidden_from = None


def _and_tell_arrow(load: Callable[[], None]) -> None:
    load()
    if _ARROW_DATASET in sys.modules:
        import pyarrow

        with suppress(ImportError):  # of a version that it does not work with
            pyarrow.nulls(0).to_pandas()  # for which it looks for pandas anew, where it has not found it


class _LoadingOtherwise:
    """A module's own loader, which `loading` is given to call."""

    def __init__(self, loader: "Loader", loading: Callable[[Callable[[], None]], None]) -> None:
        self._loader = loader
        self._loading = loading

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create it as its own loader does."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Execute it, as its own loader's from now on: what data lies beside it is asked of that."""
        if module.__spec__ is not None:
            module.__spec__.loader = module.__loader__ = self._loader
        self._loading(lambda: self._loader.exec_module(module))
