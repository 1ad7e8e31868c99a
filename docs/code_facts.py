"""What the reference says of classes, read from the source: no package is imported for it."""

import ast
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("phrasepix_core", "retriever", "reranker", "phrasepix")


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """A field of a dataclass or a member of an enumeration."""

    name: str
    type: str
    """As it stands in the code; empty for a member of an enumeration."""
    default: str
    """As it stands in the code; empty if there is none."""
    text: str
    """What is written below it."""


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """A method or property."""

    signature: str
    text: str


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """A public class at the top level of a module."""

    name: str
    module: str
    bases: tuple[str, ...]
    text: str
    fields: tuple[FieldFacts, ...]
    members: tuple[MemberFacts, ...]

    @property
    def is_protocol(self) -> bool:
        """Whether it is a protocol."""
        return "Protocol" in self.bases


@cache
def modules() -> Mapping[str, ast.Module]:
    """Return the syntax trees of all modules by their names."""
    found = {}
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


@cache
def classes() -> Mapping[str, ClassFacts]:
    """Return all public classes by their names: no two have the same."""
    return {
        node.name: _class_facts(module, node)
        for module, tree in modules().items()
        for node in tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }


def derived_from(name: str) -> list[ClassFacts]:
    """Return the classes that derive from another one directly, in the order of their names."""
    return sorted((one for one in classes().values() if name in one.bases), key=lambda one: one.name)


def is_derived_from(name: str, ancestors: frozenset[str]) -> bool:
    """Return whether a class is one of `ancestors` or derives from one."""
    return name in ancestors or any(is_derived_from(base, ancestors) for base in _bases_of(name))


def constants_named(name: str) -> Mapping[str, str]:
    """Return the texts that modules hold in a constant of that name, by module."""
    return {
        module: node.value.value
        for module, tree in modules().items()
        for node in tree.body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }


def _bases_of(name: str) -> tuple[str, ...]:
    return classes()[name].bases if name in classes() else ()


def _class_facts(module: str, node: ast.ClassDef) -> ClassFacts:
    return ClassFacts(
        node.name,
        module,
        tuple(ast.unparse(base.value if isinstance(base, ast.Subscript) else base) for base in node.bases),
        _docstring(node),
        tuple(_fields(node)),
        tuple(_members(node)),
    )


def _fields(node: ast.ClassDef) -> Iterator[FieldFacts]:
    for statement, following in zip(node.body, [*node.body[1:], ast.Pass()], strict=True):
        text = ""
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            text = inspect.cleandoc(str(following.value.value))
        if isinstance(statement, ast.AnnAssign) and "ClassVar" not in ast.unparse(statement.annotation):
            yield FieldFacts(
                ast.unparse(statement.target),
                ast.unparse(statement.annotation).strip("'\""),
                _default(statement.value),
                text,
            )
        elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            yield FieldFacts(ast.unparse(statement.targets[0]), "", ast.unparse(statement.value), text)


def _default(value: ast.expr | None) -> str:
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "field":
        given = {keyword.arg: keyword.value for keyword in value.keywords}
        if "default_factory" in given:
            return f"{ast.unparse(given['default_factory'])}()"
        value = given.get("default")
    return "" if value is None else ast.unparse(value)


def _members(node: ast.ClassDef) -> Iterator[MemberFacts]:
    for one in node.body:
        if not isinstance(one, ast.FunctionDef) or one.name.startswith("_"):
            continue
        returned = f" -> {ast.unparse(one.returns)}" if one.returns else ""
        is_property = any("property" in ast.unparse(decorator) for decorator in one.decorator_list)
        arguments = ast.unparse(one.args).removeprefix("self").removeprefix(", ")
        call = one.name if is_property else f"{one.name}({arguments})"
        yield MemberFacts(f"{call}{returned}".replace("'", ""), _docstring(one))


def _docstring(node: ast.ClassDef | ast.FunctionDef) -> str:
    return ast.get_docstring(node) or ""
