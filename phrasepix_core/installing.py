"""How a missing package is installed: a command that works in the environment that lacks it."""

import sys
from pathlib import Path


def install_command(*packages: str) -> str:
    """The command that installs `packages` beside the running program, however that was installed.

    It names the packages themselves, not an extra of phrasepix: those are on an index wherever phrasepix came from.
    It names the running interpreter, so that it works in a pipx environment too, which has no `pip` on the PATH.
    """
    names = " ".join(packages)
    if not sys.executable:
        return f"pip install {names}"
    python = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    if _is_made_by_uv(Path(sys.prefix)):  # without a pip of its own
        return f"uv pip install --python {python} {names}"
    return f"{python} -m pip install {names}"


def _is_made_by_uv(prefix: Path) -> bool:
    try:
        settings = (prefix / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(line.partition("=")[0].strip() == "uv" for line in settings.splitlines())
