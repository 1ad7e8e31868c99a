"""Which packages of phrasepix's extras a test file needs before any of its tests begins."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
OF_EXTRAS = frozenset({
    "cv2", "duckdb", "ipyplot", "lance", "mypy", "nbclient", "nbformat", "onnx", "open_clip", "rawpy",
    "sentence_transformers", "torch", "transformers",
})  # fmt: skip
"""What `pip install .` does not bring."""
_BESIDE_THE_PACKAGES = {"benchmarks", "tests", "training"}


@cache
def extras_imported(path: Path) -> frozenset[str]:
    """Those that are imported with a file, by itself or by what of `tests`, `training` and `benchmarks` it imports."""
    found: set[str] = set()
    unread, read = [path], set()
    while unread:
        one = unread.pop()
        if one in read or not one.is_file():
            continue
        read.add(one)
        for module in _imported(one):
            package, *rest = module.split(".")
            if package in OF_EXTRAS:
                found.add(package)
            elif package in _BESIDE_THE_PACKAGES:
                place = ROOT.joinpath(package, *rest)
                unread += [place.with_suffix(".py"), place / "__init__.py"]
    return frozenset(found)


@cache
def _imported(path: Path) -> tuple[str, ...]:
    """The modules that are imported at a file's top."""
    found: list[str] = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(found)
