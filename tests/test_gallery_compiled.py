"""Compiled templates, kept from one process to the next: used while they are right, never trusted beyond that."""

import os
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment
from jinja2.bccache import Bucket

from phrasepix import cache
from phrasepix.gallery.compiled import KeptTemplates, templates_directory

TEMPLATE = "{% for boat in boats %}[{{ boat }}]{% endfor %}"
BOATS = ("red", "blue")


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHRASEPIX_CACHE_DIR", str(tmp_path / "cache"))
    return templates_directory()


class Counted(KeptTemplates):
    """Counts how often a template had to be compiled."""

    compiled = 0

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Count it, and keep it."""
        self.compiled += 1
        super().dump_bytecode(bucket)


def rendered(template: str = TEMPLATE, *made_by: str) -> tuple[str, int]:
    """What a fresh environment makes of it, and how many templates it compiled for that."""
    kept = Counted(*made_by)
    environment = Environment(loader=DictLoader({"boats": template}), autoescape=True, bytecode_cache=kept)
    return environment.get_template("boats").render(boats=BOATS), kept.compiled


def only_file(directory: Path) -> Path:
    (file,) = directory.iterdir()
    return file


def test_a_template_is_compiled_once() -> None:
    assert rendered() == ("[red][blue]", 1)
    assert rendered() == ("[red][blue]", 0)


def test_a_changed_template_or_changed_code_is_compiled_anew_and_takes_the_old_one_s_place(
    directory: Path, tmp_path: Path
) -> None:
    code = tmp_path / "code.py"
    code.write_text("first")
    rendered(TEMPLATE, str(code))
    assert rendered(TEMPLATE + "!", str(code)) == ("[red][blue]!", 1)
    before = only_file(directory)
    code.write_text("another")
    assert rendered(TEMPLATE + "!", str(code)) == ("[red][blue]!", 1)
    assert only_file(directory) != before


@pytest.mark.parametrize("damage", [b"", b"j2", b"\x00" * 300], ids=["empty", "cut off", "zeros"])
def test_a_damaged_file_is_compiled_over(directory: Path, damage: bytes) -> None:
    rendered()
    only_file(directory).write_bytes(damage)
    assert rendered() == ("[red][blue]", 1)
    assert rendered() == ("[red][blue]", 0)


def test_a_file_that_is_cut_anywhere_ends_no_page(directory: Path) -> None:
    rendered()
    whole = only_file(directory).read_bytes()
    for length in range(1, len(whole), 37):
        only_file(directory).write_bytes(whole[:length])
        assert rendered()[0] == "[red][blue]"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no modes of files here")
def test_what_others_may_have_written_is_not_run(directory: Path, tmp_path: Path) -> None:
    rendered("not what was asked")
    file = only_file(directory)
    assert file.stat().st_mode & 0o777 == 0o600
    rendered()
    file.chmod(0o622)
    assert rendered() == ("[red][blue]", 1)
    elsewhere = tmp_path / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    assert rendered() == ("[red][blue]", 1)


def test_without_a_place_to_keep_it_a_template_is_compiled_each_time(directory: Path) -> None:
    directory.parent.mkdir()
    directory.write_text("a file where the directory would be")
    assert rendered() == ("[red][blue]", 1)
    assert rendered() == ("[red][blue]", 1)


def test_clearing_galleries_clears_their_compiled_templates(directory: Path) -> None:
    rendered()
    (kept,) = cache.what_is_kept()
    assert (kept.kind, kept.count) == ("galleries", 0)
    assert kept.size == only_file(directory).stat().st_size
    cache.clear(["galleries"], older_than_days=1)
    assert directory.is_dir()
    cache.clear(["galleries"])
    assert cache.what_is_kept() == []
