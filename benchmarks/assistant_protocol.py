"""What the public tools of the Model Context Protocol say of phrasepix's: conformance suite and official inspector.

Both come from the npm registry into a temporary directory; without npm, or without the registry, this says so.

    python -m benchmarks.assistant_protocol
"""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from phrasepix.finder import Finder
from phrasepix.server.app import create_app
from phrasepix.server.running import bound_socket
from phrasepix.server.settings import ServerSettings
from tests.assistants import running

CONFORMANCE: Final = "@modelcontextprotocol/conformance@0.2.0-alpha.12"
"""The first releases that know the protocol of 2026 are these."""
INSPECTOR: Final = "@modelcontextprotocol/inspector@2.12.0"
NODE: Final = "22"
"""Both want Node 22.19 or newer; npm has it as a package for each system."""
VERSIONS: Final = ("2025-11-25", "2026-07-28")
ERAS: Final = ("legacy", "modern")
"""The inspector's names of the two."""

_NEEDS_ITS_OWN = re.compile(
    r"there is no tool '|no resource test://|[Nn]ot testable|Tool 'json_schema_2020_12_tool' not found|"
    r"Prerequisite failed|Expected InputRequiredResult|unavailable"
)
"""What the suite says where a server has not the example tools, prompts and resources that it brings along."""
_NOT_OFFERED = re.compile(r"Method not found|-32601|extensions\[\"io.modelcontextprotocol/tasks\"\]|requires -32021")
"""What it says of parts of the protocol that a server may leave out: prompts, completion, logging, tasks."""


class NotAvailableError(Exception):
    """What is needed is not on this machine and could not be fetched; the message says why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the suite says of one version of the protocol."""

    version: str
    checks: Counter[str] = field(default_factory=Counter)
    """How many checks of each kind: passed, skipped, warned, without the suite's own examples, not offered, failed."""
    failed: tuple[str, ...] = ()
    """What failed for another reason."""


class NodePackages:
    """Packages of npm in a directory of their own, and a Node that is new enough."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.node = Path(self._install(_node_package(), f"node_modules/{_node_package().partition('@')[0]}/bin/node"))

    def install(self, package: str, script: str) -> Path:
        """Return the script of a package. Raises `NotAvailableError`."""
        name = package.rpartition("@")[0]
        return self._install(package, f"node_modules/{name}/{script}")

    def _install(self, package: str, file: str) -> Path:
        npm = shutil.which("npm")
        if npm is None:
            raise NotAvailableError("npm is not on this machine")
        done = subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", package],
            cwd=self._directory,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode != 0 or not (self._directory / file).exists():
            raise NotAvailableError(f"npm cannot install {package}: {(done.stderr or done.stdout).strip()[-300:]}")
        return self._directory / file


def _node_package() -> str:
    system = {"Linux": "linux", "Darwin": "darwin", "Windows": "win"}[platform.system()]
    machine = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
    return f"node-{system}-{machine}@{NODE}"


@contextmanager
def node_packages() -> Iterator[NodePackages]:
    """A directory for packages as long as the context. Raises `NotAvailableError`."""
    with tempfile.TemporaryDirectory(prefix="phrasepix-npm-") as directory:
        Path(directory, "package.json").write_text("{}")
        yield NodePackages(Path(directory))


class _WithToken:
    """The application as a client with the token sees it: the suite cannot be told one."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._header = (b"authorization", f"Bearer {token}".encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": [*scope["headers"], self._header]}
        await self._app(scope, receive, send)


@contextmanager
def served(root: Path) -> Iterator[tuple[str, str]]:
    """The served process's application in this process: the address of its tools, and the same that shows its token."""
    with Finder() as finder, bound_socket("127.0.0.1", 0) as bound:
        settings = ServerSettings(port=bound.getsockname()[1], root=root)
        with running(_WithToken(create_app(finder, settings), settings.token), [bound]) as origin:
            yield f"{origin}/mcp", settings.token


def conformance(packages: NodePackages, url: str, version: str) -> Outcome:
    """Run the scenarios that a version of the protocol requires of a server."""
    script = packages.install(CONFORMANCE, "dist/index.js")
    with tempfile.TemporaryDirectory() as results:
        command = [str(packages.node), str(script), "server", "--url", url, "--requirements", version, "-o", results]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        checks = [
            (path.parent.name, check)
            for path in sorted(Path(results).rglob("checks.json"))
            for check in json.loads(path.read_text("utf-8"))
        ]
    if not checks:
        raise NotAvailableError(f"the conformance suite checked nothing: {done.stderr[-300:]}")
    counted: Counter[str] = Counter()
    failed = []
    for scenario, check in checks:
        kind = _kind(check)
        counted[kind] += 1
        if kind == "failed":
            failed.append(f"{scenario}: {check['id']}: {check.get('errorMessage', '')}")
    return Outcome(version, counted, tuple(failed))


def _kind(check: Mapping[str, Any]) -> str:
    message = str(check.get("errorMessage") or "")
    if check["status"] != "FAILURE":
        return {"SUCCESS": "passed", "WARNING": "warned", "SKIPPED": "skipped"}.get(check["status"], "informed")
    if _NEEDS_ITS_OWN.search(message):
        return "without the suite's examples"
    return "not offered" if _NOT_OFFERED.search(message) else "failed"


def inspected(packages: NodePackages, root: Path, era: str) -> dict[str, str]:
    """Run the inspector's command line over the real command on stdio; return what went wrong of each call, if any."""
    script = packages.install(INSPECTOR, "clients/launcher/build/index.js")
    calls = {
        "tools/list, strict": ["--method", "tools/list", "--strict"],
        "tools/list, apps": ["--method", "tools/list", "--app-info"],
        "resources/list": ["--method", "resources/list"],
        "resources/read of the grid": ["--method", "resources/read", "--uri", "ui://phrasepix/grid"],
        "tools/call sources": ["--method", "tools/call", "--tool-name", "sources"],
        "tools/call search": [
            *("--method", "tools/call", "--tool-name", "search", "--tool-args-json"),
            '{"phrase": "a red boat", "tag": ["boat"], "source": ["sample"], "top": 2}',
        ],
    }
    server = [sys.executable, "-m", "phrasepix", "mcp", "--root", str(root)]
    wrong = {}
    with tempfile.TemporaryDirectory() as home:
        for name, arguments in calls.items():
            command = [
                str(packages.node),
                str(script),
                "--cli",
                *server,
                "--protocol-era",
                era,
                "--connect-timeout",
                "0",
            ]
            done = subprocess.run(
                [*command, *arguments],
                capture_output=True,
                text=True,
                timeout=180,
                env=os.environ | {"HOME": home},
                check=False,
            )
            wrong[name] = f"exit code {done.returncode}: {done.stderr[-300:]}" if done.returncode else ""
    return wrong


def main() -> int:
    """Print both as Markdown; the exit code says whether anything failed."""
    try:
        with node_packages() as packages, tempfile.TemporaryDirectory() as root:
            with served(Path(root)) as (url, _):
                outcomes = [conformance(packages, url, version) for version in VERSIONS]
            calls = {era: inspected(packages, Path(root), era) for era in ERAS}
    except NotAvailableError as error:
        print(f"Not run: {error}", file=sys.stderr)
        return 2
    kinds = sorted({kind for one in outcomes for kind in one.checks})
    print(f"`{CONFORMANCE}`, the scenarios that a version requires of a server; checks:\n")
    print(f"| version | {' | '.join(kinds)} |\n|---|{'---:|' * len(kinds)}")
    for one in outcomes:
        print(f"| {one.version} | {' | '.join(str(one.checks[kind]) for kind in kinds)} |")
    print(f"\n`{INSPECTOR}` on stdio:\n\n| call | {' | '.join(ERAS)} |\n|---|{'---|' * len(ERAS)}")
    for call in calls[ERAS[0]]:
        print(f"| {call} | {' | '.join('failed' if calls[era][call] else 'ok' for era in ERAS)} |")
    failed = [line for one in outcomes for line in one.failed]
    failed += [f"{era}, {call}: {wrong}" for era in ERAS for call, wrong in calls[era].items() if wrong]
    print("".join(f"\n- {line}" for line in failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
