"""What public tools say of ours: the conformance suite and the official inspector, from the npm registry."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.assistant_protocol import (
    ERAS,
    VERSIONS,
    NodePackages,
    NotAvailableError,
    conformance,
    inspected,
    node_packages,
    served,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def packages() -> Iterator[NodePackages]:
    try:
        with node_packages() as packages:
            yield packages
    except NotAvailableError as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_served_tools_pass_the_conformance_suite(packages: NodePackages, version: str, tmp_path: Path) -> None:
    with served(tmp_path) as (url, _):
        outcome = conformance(packages, url, version)
    assert outcome.failed == ()
    assert outcome.checks["passed"] >= 30


@pytest.mark.parametrize("era", ERAS)
def test_the_inspector_finds_nothing_wrong_with_the_command(packages: NodePackages, era: str, tmp_path: Path) -> None:
    """On the built-in sample."""
    called = inspected(packages, tmp_path, era)
    assert called == dict.fromkeys(called, "")
    assert len(called) == 6
