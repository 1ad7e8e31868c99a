"""A download that is not whole yet."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Part:
    """A download's file while it is not whole, and beside it what is known of the whole."""

    path: Path

    @property
    def about(self) -> Path:
        """The file that says how the whole is recognised."""
        return self.path.with_suffix(".about")

    def size(self) -> int:
        """How many bytes are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    def remembered(self) -> dict[str, Any]:
        """What was noted of the whole; empty where nothing usable was."""
        try:
            about = json.loads(self.about.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return about if isinstance(about, dict) else {}

    def remember(self, about: dict[str, Any]) -> None:
        """Note what is known of the whole."""
        self.about.write_text(json.dumps(about), encoding="utf-8")

    def discard(self) -> None:
        """Remove both files."""
        self.path.unlink(missing_ok=True)
        self.about.unlink(missing_ok=True)
