"""Who may know whom: the two stages know nothing of each other, what they share is below them, nothing goes in circles.

The lists of exceptions are of what is to go. Whoever mends one takes it out: a test says which is there in vain.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("phrasepix_core", "retriever", "reranker", "phrasepix")
READS_METADATA = ROOT / "retriever" / "folder"
"""Of files no source has described: nothing reads it from as many formats as Pillow. No pixel is decoded there."""

SOURCES = {"pixabay", "openverse", "commons", "pexels", "unsplash", "folder", "sample"}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def modules() -> Mapping[str, Path]:
    """All modules of the four packages by their names."""
    found = {}
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported_modules(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Dict):  # of names that a package imports when they are first asked for
            found |= {str(value.value) for value in node.values if isinstance(value, ast.Constant)} & modules().keys()
    return found


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("retriever", {"reranker", "phrasepix", "training", "torch", "open_clip", "PIL", "numpy"}),
        ("reranker", {"retriever", "phrasepix", "training"}),
        ("phrasepix", {"training", "tests", "benchmarks"}),
        ("training", {"retriever", "reranker", "phrasepix", "phrasepix_core"}),
        ("phrasepix_core", {"retriever", "reranker", "phrasepix", "training"}),
    ],
)
def test_a_package_imports_nothing_it_must_not_know(package: str, forbidden: set[str]) -> None:
    sources = sorted((ROOT / package).rglob("*.py"))
    assert sources, f"no sources found below {ROOT / package}"
    offences = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources
        for module in imported_modules(path)
        if module.split(".")[0] in forbidden - ({"PIL"} if path.is_relative_to(READS_METADATA) else set())
    ]
    assert offences == []


def test_the_ground_floor_needs_the_standard_library_alone() -> None:
    imported = {
        module.split(".")[0]
        for path in sorted((ROOT / "phrasepix_core").rglob("*.py"))
        for module in imported_modules(path)
    }
    assert imported <= {*sys.stdlib_module_names, "phrasepix_core"}


def test_no_module_takes_a_private_name_of_another() -> None:
    offences = [
        f"{path.relative_to(ROOT)} takes {alias.name} of {node.module}"
        for package in (*PACKAGES, "training")
        for path in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
    ]
    assert offences == []


def test_the_second_stage_knows_no_source_by_its_name() -> None:
    offences = [
        f"{path.relative_to(ROOT)}:{node.lineno} says {node.value!r}"
        for path in sorted((ROOT / "reranker").rglob("*.py"))
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.lower() in SOURCES
        if path.name != "families.py"  # where the sample is a model
    ]
    assert offences == []


def test_a_source_knows_no_other_source() -> None:
    offences = [
        f"{path.relative_to(ROOT)} imports {module}"
        for source in sorted(SOURCES - {"sample"})
        for path in sorted((ROOT / "retriever" / source).rglob("*.py"))
        for module in imported_modules(path)
        if module.split(".")[0] == "retriever" and {*module.split(".")[1:2]} & (SOURCES - {source})
    ]
    assert offences == []


def test_what_all_sources_share_knows_none_of_them() -> None:
    """But for `retriever` itself, which offers Pixabay's retriever by its name."""
    shared = [
        *(ROOT / "retriever").glob("*.py"),
        *(ROOT / "retriever" / "http").rglob("*.py"),
        *(ROOT / "retriever" / "api").rglob("*.py"),
    ]
    offences = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sorted(shared)
        if path.name != "__init__.py"
        for module in imported_modules(path)
        if module.split(".")[0] == "retriever" and {*module.split(".")[1:2]} & SOURCES
    ]
    assert offences == []


# Circles.


def imports_within(nodes: Iterable[ast.AST], *, hidden: bool) -> Iterator[str]:
    """The modules of ours imported there; with `hidden` also within functions and for the type checker only."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules())
        elif isinstance(node, ast.ImportFrom):
            named = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in modules() else str(node.module) for name in named)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from imports_within([*(node.body if hidden else ()), *node.orelse], hidden=hidden)
        elif hidden or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from imports_within(ast.iter_child_nodes(node), hidden=hidden)


def in_circles(graph: Mapping[str, set[str]]) -> set[str]:
    """The modules from which a way of imports leads back to themselves."""

    def reached_from(start: str) -> set[str]:
        reached: set[str] = set()
        waiting = [start]
        while waiting:
            new = graph[waiting.pop()] - reached
            reached |= new
            waiting += new
        return reached

    return {module for module in graph if module in reached_from(module)}


def graph_of_imports(*, hidden: bool) -> dict[str, set[str]]:
    return {
        name: {module for module in imports_within(tree_of(path).body, hidden=hidden) if module in modules()} - {name}
        for name, path in modules().items()
    }


def test_a_circle_is_found() -> None:
    assert in_circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == {"b", "c"}


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert in_circles(graph_of_imports(hidden=False)) == set()


def test_no_modules_hide_a_circle_within_functions_or_behind_types() -> None:
    assert in_circles(graph_of_imports(hidden=True)) == set()


# Names, options and the environment.


def test_no_two_public_classes_have_one_name() -> None:
    homes = defaultdict(list)
    for module, path in modules().items():
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(module)
    assert {name: where for name, where in homes.items() if len(where) > 1} == {}


OPTIONS_OF_OTHERS = {"phrasepix_core.installing": {"--python"}}
"""The command that a message names in full, uv, has this one."""


def messages_of(path: Path) -> Iterator[str]:
    """The texts in a module but for what describes it."""
    tree = tree_of(path)
    described = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in described:
            yield node.value


def options_in(message: str) -> list[str]:
    """The options that a message names; where a flag is declared there is nothing but the flag."""
    return [] if re.fullmatch(r"--[a-z-]+", message) else re.findall(r"(?<![\w-])--[a-z][a-z-]+", message)


def test_no_library_speaks_of_the_commands_options() -> None:
    named = {
        module: found
        for module, path in modules().items()
        if not module.startswith("phrasepix.cli") and path.name != "__main__.py"
        if (found := {option for text in messages_of(path) for option in options_in(text)})
    }
    assert named == OPTIONS_OF_OTHERS


READERS_OF_THE_ENVIRONMENT = {
    "phrasepix_core.environment",
    "phrasepix.cli.main",  # sets what libraries read, for a process that is all the command's
    "reranker.engine.export_child",  # likewise: it is a process by itself
}


def test_no_further_module_reads_the_environment() -> None:
    readers = {
        module
        for module, path in modules().items()
        for node in ast.walk(tree_of(path))
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv", "getenvb"})
        or (isinstance(node, ast.ImportFrom) and node.module == "os")
    }
    assert readers == READERS_OF_THE_ENVIRONMENT
