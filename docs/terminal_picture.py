"""README's picture of the terminal: `python -m docs.terminal_picture` runs the command and draws what it prints."""

import os
import re
import subprocess
import sys
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

PICTURE = Path(__file__).with_name("terminal.svg")
ARGUMENTS = ("two red boats at night in the rain", "--tag", "boat", "--source", "sample", "-n", "4")
COLUMNS = 82

_THEME = TerminalTheme(
    (24, 24, 27),
    (228, 228, 231),
    [
        (24, 24, 27),
        (239, 68, 68),
        (74, 222, 128),
        (250, 204, 21),
        (96, 165, 250),
        (232, 121, 249),
        (34, 211, 238),
        (228, 228, 231),
    ],
)


def table_as_printed() -> str:
    """What the command prints on a terminal of so many columns, escape sequences included."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "phrasepix", *ARGUMENTS],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        check=True,
        env=os.environ | {"COLUMNS": str(COLUMNS), "FORCE_COLOR": "1", "TERM": "xterm-256color"},
    )
    return done.stdout


def drawn(printed: str) -> str:
    """An SVG of a terminal that shows the command and what it printed."""
    typed = " ".join(f'"{one}"' if " " in one else one for one in ARGUMENTS)
    with Path(os.devnull).open("w") as nowhere:
        console = Console(file=nowhere, record=True, width=COLUMNS, color_system="truecolor", force_terminal=True)
        console.print(Text(f"$ phrasepix {typed}", "bold"))
        console.print(Text.from_ansi(re.sub(r"\x1b\]8;.*?\x1b\\", "", printed)))
        # The font is the reader's own: nothing is loaded from elsewhere.
        form = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
        form = form.replace("font-family: Fira Code,", "font-family: ui-monospace, Menlo, Consolas, DejaVu Sans Mono,")
        return console.export_svg(title="phrasepix", theme=_THEME, code_format=form, unique_id="phrasepix") + "\n"


if __name__ == "__main__":
    PICTURE.write_text(drawn(table_as_printed()), encoding="utf-8")
