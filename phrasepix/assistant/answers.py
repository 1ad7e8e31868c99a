"""What a tool answers, and how it tells where it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool answers."""

    text: str
    """In words."""
    structured: dict[str, Any]
    """The same as data."""
    picture: bytes = b""
    """A JPEG file, if the tool shows a picture."""
    is_for_the_assistant_alone: bool = False
    """Whether the picture is not to be shown to people: its source shows it by its own address only."""
    is_failure: bool = False
    """Whether nothing of what was wished for was done."""


@dataclass(frozen=True, slots=True)
class ToolStep:
    """Where a tool is: `done` of `total` (None if not known), in words."""

    done: int
    total: int | None
    words: str


Tell: TypeAlias = Callable[[ToolStep], None]
"""Is told each step, in the thread where it happens. What it raises ends the work."""
