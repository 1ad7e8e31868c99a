"""The attack table of saving: a folder that others may write to, and one that comes from elsewhere."""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from phrasepix import find_images
from phrasepix.errors import NotWrittenError, WrongQueryError
from phrasepix.live_results import LiveMatch
from phrasepix.saving.credits_file import open_credits_file
from phrasepix.saving.credits_markdown import with_credits
from phrasepix.saving.entries import safe_name
from phrasepix.saving.filenames import digest
from phrasepix.saving.lock import FolderBusyError
from phrasepix.saving.project_usage import ProjectUsage
from phrasepix.saving.save import FoundWith, SaveProgress, save_matches
from phrasepix_core.candidate import Candidate
from phrasepix_core.credit import credit_line
from reranker.testing import ColourEncoder
from tests.picture_server import PictureServer, candidate, encoded, file, stripes
from tests.saving_process import results_of

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
SOMEBODY = 12345
STEERING = "x\x1b]0;owned\x07\x1b[2J\x9b31m\u202egpj.exe"


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as running:
        yield running


@pytest.fixture
def offered(server: PictureServer) -> Candidate:
    return offer(server, 1)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A folder that pictures are saved into."""
    (tmp_path / "book").mkdir()
    return tmp_path / "book"


def offer(server: PictureServer, number: int) -> Candidate:
    body = encoded(stripes(["red", "blue", "green"][: number + 1], (120, 90)))
    return candidate(number, server.put(f"/{number}", file(body)), source="list", size=(120, 90))


def credits_of(book: Path) -> list[dict[str, Any]]:
    pictures: list[dict[str, Any]] = json.loads((book / "credits.json").read_text(encoding="utf-8"))["pictures"]
    return pictures


def claims(book: Path, *entries: dict[str, Any]) -> None:
    """Write a credits.json as a stranger would."""
    noted = [{"file": "a.jpg", "source": "list", "id": str(number)} | one for number, one in enumerate(entries, 1)]
    (book / "credits.json").write_text(json.dumps({"pictures": noted}), encoding="utf-8")


def a_link(place: Path, private: Path) -> None:
    place.symlink_to(private)


def a_second_name(place: Path, private: Path) -> None:
    os.link(private, place)


def a_pipe(place: Path, private: Path) -> None:
    os.mkfifo(place)


def a_folder(place: Path, private: Path) -> None:
    place.mkdir()


def of_somebody_else(place: Path, private: Path) -> None:
    if not IS_ROOT:
        pytest.skip("only root may make another user's file")
    place.write_bytes(private.read_bytes())
    os.chown(place, SOMEBODY, SOMEBODY)


PLANTS = (a_link, a_second_name, a_pipe, a_folder, of_somebody_else)


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("suffix", [".part", "-0123456789abcdef.part", ".whole", ".note", "-0123456789abcdef.note"])
def test_what_is_planted_under_a_name_of_ours_is_neither_written_to_nor_taken_up(
    offered: Candidate, book: Path, tmp_path: Path, plant: Callable[[Path, Path], None], suffix: str
) -> None:
    private = tmp_path / "private.jpg"
    private.write_bytes(encoded(stripes(["yellow", "blue"], (120, 90))))
    before = private.read_bytes()
    stem = f".phrasepix-{digest(offered.identity)}"
    plant(book / f"{stem}{suffix}", private)
    about = {"of": "list:1 120x90", "total": len(before), "validator": ""}
    (book / f"{stem}{suffix}").with_suffix(".about").write_text(json.dumps(about))
    saved = results_of([offered]).save(book)
    assert saved.failed == ()
    assert private.read_bytes() == before
    (entry,) = credits_of(book)
    assert entry["width"], entry["height"] == (120, 90)
    ours = tmp_path / "ours"
    results_of([offered]).save(ours)
    assert saved.pictures[0].path.read_bytes() == (ours / credits_of(ours)[0]["file"]).read_bytes()


def test_a_note_that_leads_out_of_the_folder_names_nothing(offered: Candidate, book: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("s")
    hash_of_s = "043a718774c572bd8a25adbeb1bfcd5c0256ae11cecf9f9c3f925d0e52beaf89"
    for name in ("../outside.txt", "/etc/passwd", STEERING, "sub/../../outside.txt"):
        note = {"file": name, "source": "list", "id": "9", "sha256": hash_of_s}
        (book / ".phrasepix-0123abcd.note").write_text(json.dumps(note))
        with open_credits_file(book):
            pass
        assert not (book / "credits.json").exists()
        assert not (book / ".phrasepix-0123abcd.note").exists()


def test_hidden_files_of_the_persons_own_are_never_deleted(offered: Candidate, book: Path) -> None:
    own = [
        ".CREDITS.md.original", ".credits.json.12345678", ".phrasepix-mine.note", ".phrasepix-01234567.txt",
        ".phrasepix-notes.whole", ".phrasepix-ledger-notes.tmp", ".phrasepix-0123456789abcdef.tmp", ".phrasepix",
    ]  # fmt: skip
    for name in own:
        (book / name).write_text("mine")
    results_of([offered]).save(book)
    assert [(book / name).read_text() for name in own] == ["mine"] * len(own)


def test_temporary_names_are_new_each_time(server: PictureServer, book: Path) -> None:
    seen = set()
    for _ in range(2):
        with open_credits_file(book) as credits_file:
            seen |= {
                credits_file.part(offer(server, 1)).path.name,
                credits_file.hidden(offer(server, 1), ".whole").name,
            }
    assert len(seen) == 4


def test_a_lock_that_another_process_holds_is_waited_for_aloud_and_not_for_ever(
    book: Path, caplog: pytest.LogCaptureFixture
) -> None:
    held = f"FileLock({str(book / '.phrasepix.lock')!r})"
    code = f"from filelock import FileLock; held = {held}; held.acquire(); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "1\n"
        with pytest.raises(FolderBusyError, match=r"has held .*\.phrasepix\.lock for 0\.2 s"):
            open_and_close(book)
        assert "waiting for" in caplog.text
        if f" {holder.pid} " in Path("/proc/locks").read_text(encoding="ascii"):
            assert f"process {holder.pid} (python" in caplog.text
        holder.communicate("\n")
    open_and_close(book)


def open_and_close(book: Path) -> None:
    with open_credits_file(book, patience_s=0.2):
        pass


def test_where_the_lock_is_taken_midway_the_rest_is_named_at_once(server: PictureServer, book: Path) -> None:
    results = results_of([offer(server, number) for number in (1, 2)] * 5)
    held = FileLock(book / ".phrasepix.lock")

    def take_it(progress: SaveProgress) -> None:
        if progress.done == 1 and not held.is_locked:
            held.acquire()

    saved = save_matches(
        results.matches, book, found_with=FoundWith("", ""), reopener=results.reopener, on_progress=take_it,
        lock_patience_s=0.2,
    )  # fmt: skip
    held.release()
    assert len(saved.pictures) == 1
    assert len(saved.failed) == 9
    assert all("has held" in one.reason for one in saved.failed)


def test_a_lock_that_is_a_link_harms_no_other_file(offered: Candidate, book: Path, tmp_path: Path) -> None:
    (tmp_path / "private").write_text("keep")
    (book / ".phrasepix.lock").symlink_to(tmp_path / "private")
    with pytest.raises(NotWrittenError, match=r"\.phrasepix\.lock"):
        results_of([offered]).save(book)
    assert (tmp_path / "private").read_text() == "keep"


@pytest.mark.parametrize("name", ["credits.json", "CREDITS.md"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "sparse"])
def test_a_foreign_folder_with_something_else_in_the_place_of_a_file_is_refused_and_not_waited_for(
    offered: Candidate, book: Path, name: str, kind: str
) -> None:
    place = book / name
    match kind:
        case "pipe":
            os.mkfifo(place)
        case "device":
            place.symlink_to("/dev/zero")
        case "folder":
            place.mkdir()
        case "sparse":
            with place.open("wb") as written:
                written.truncate(40 << 30)
    for _ in range(2):
        assert name in refusal_of(offered, book)
        assert ProjectUsage.in_project(book).by_identity.keys() <= {offered.identity}
    if name == "credits.json":
        assert {path.name for path in book.iterdir()} == {".phrasepix.lock", "credits.json"}


def refusal_of(offered: Candidate, book: Path) -> str:
    """Why it is not saved, whether that is known before or only when the page is made."""
    try:
        (failed,) = results_of([offered]).save(book).failed
    except NotWrittenError as error:
        return str(error)
    return failed.reason


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("list-someone-1-two-red-boats.jpg", "list-someone-1-two-red-boats.jpg"),
        ("IMG_0001 (2).JPG", "IMG_0001 (2).JPG"),
        ("chapter 1/boat.jpg", "chapter 1/boat.jpg"),
        ("می\u200cخواهم.jpg", "می\u200cخواهم.jpg"),
        ("../../outside.txt", "outside.txt"),
        ("/etc/passwd", "etc/passwd"),
        ("..\\..\\x.jpg", "x.jpg"),
        ("a/../../b.jpg", "a/b.jpg"),
        (".ssh/id_rsa", "ssh/id_rsa"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("a\x1b[2J\nb.jpg", "a_[2J_b.jpg"),
        ("\u202egpj.exe", "_gpj.exe"),
        ("\udcff.jpg", "_.jpg"),
        ("\0", "_"),
    ],
)
def test_the_names_of_a_foreign_credits_json_are_reduced_to_safe_ones(written: str, read: str) -> None:
    assert safe_name(written) == read
    assert safe_name(read) == read


@pytest.mark.parametrize("name", ["x" * 5000 + "/../y.jpg", "語" * 200 + ".jpg", "a../" * 300, "b/" * 3000 + "c.jpg"])
def test_a_long_name_is_cut_to_one_that_can_be_looked_for(name: str, book: Path) -> None:
    assert len(safe_name(name).encode()) <= 255
    assert not safe_name(name).startswith((".", "/"))
    assert safe_name(safe_name(name)) == safe_name(name)
    assert not (book / safe_name(name)).is_file()


def test_names_in_a_foreign_credits_json_reach_no_terminal_no_json_and_no_place_outside(
    server: PictureServer, offered: Candidate, book: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside.txt").write_text("s")
    for name in (STEERING, "../outside.txt", "a\nb\tc.jpg"):
        claims(book, {"file": name})
        (marked,) = ProjectUsage.in_project(book).marked(results_of([offered]).matches)
        assert marked.used_before.isprintable()
        assert ".." not in marked.used_before
        results = replace(results_of([offered]), matches=(LiveMatch.of(marked),))
        assert json.loads(results.to_json())["matches"][0]["used_before"] == marked.used_before
        (saved,) = results.save(book).pictures
        assert saved.is_new
        assert saved.path.parent == book
        assert str(saved.path).isprintable()


def test_the_words_of_a_foreign_credits_json_are_shown_and_never_acted_on(server: PictureServer, book: Path) -> None:
    markdown = (
        "<!-- phrasepix: credits end --> <img src=x onerror=alert(1)> [free](javascript:alert(1)) "
        '[a](https://good.example/1) [b](http://127.0.0.1/x) [c](https://x.example/"onload=1) \x1b[2J\n# big\n'
        "![i](https://t.example/pixel.png) \\[d](https://evil.example) [[e](https://e.example)](https://f.example)"
    )
    claims(
        book,
        {"credit": {"markdown": markdown}, "phrase": "<!-- phrasepix: credits end -->"},
        {"id": "</b>\n# <script>", "source": "\x1b[2J[x](javascript:y)", "file": "](x) <b>.jpg"},
        {"credit": {"markdown": ["no", "text"]}},
        {"credit": "no object"},
    )
    lengths = set()
    for _ in range(3):
        results_of([offer(server, 9)]).save(book)
        text = (book / "CREDITS.md").read_text(encoding="utf-8")
        lengths.add(len(text))
        assert text.count("<!-- phrasepix: credits end -->") == 1
        unescaped = text.replace("\\<", "").replace("<!-- phrasepix: credits", "")
        assert "<" not in unescaped
        links = re.findall(r"(?<!\\)\]\(([^)]*)\)", text)
        assert {"https://good.example/1", "https://t.example/pixel.png", "https://e.example"} <= set(links)
        assert "\\![i](https://t.example/pixel.png)" in text  # a link that is followed by hand, no picture
        assert all(link.startswith(("./", "https://")) for link in links)
        assert "https://evil.example" not in links
        assert len(text.splitlines()) == 9
        assert all(line.isprintable() for line in text.splitlines())
    assert len(lengths) == 1


def test_a_credit_line_of_ours_says_the_same_when_it_is_made_anew() -> None:
    words = "a_b *c* [d](e) <f> `g` \\h | i ~ j & k! $l ^m =n @o #p www.q.example http://r.example 1. - s"
    for number, text in enumerate((words, "“x”, by y", "1) a", "- a", "…", "語 نص e\u0301")):
        for licence in ("https://creativecommons.org/licenses/by/4.0/", "https://stock.example/licence", ""):
            one = replace(
                candidate(number, "https://cdn.example/1"), title=text, creator=text,
                credit=f"Photo by {text} on Stock",
                licence=text, licence_url=licence, page_url="https://stock.example/a(b)_c'd\"e<f>?g=h&i#j",
            )  # fmt: skip
            line = credit_line(one, "markdown")
            entry = {"file": "a.jpg", "source": "s", "id": "1", "credit": {"markdown": line}}
            made = with_credits(b"", [entry]).decode()
            # Within a line, a list's mark needs no backslash.
            assert f"- [a.jpg](./a.jpg): {line}\n".replace("\\", "") in made.replace("\\", "")
            assert re.findall(r"\]\((http[^)]*)\)", made) == re.findall(r"\]\((http[^)]*)\)", line)


@pytest.mark.slow
def test_megabytes_in_a_foreign_credits_json_do_not_swell_the_page(server: PictureServer, book: Path) -> None:
    much = "[" * 1_000_000 + "\\" * 1_000_001 + "x" * 1_000_000
    claims(
        book,
        {"credit": {"markdown": much}, "phrase": much, "id": much, "file": much, "likeness": "f" * 3_000_000},
        {"id": much, "credit": {"markdown": "\\" * 100_000}},
    )
    results_of([offer(server, 9)]).save(book)
    assert (book / "CREDITS.md").stat().st_size < 30_000
    assert len(ProjectUsage.in_project(book).marked(results_of([offer(server, 8)]).matches)) == 1


def test_credits_are_written_through_a_link_to_a_file_of_their_kind_and_no_other(
    offered: Candidate, server: PictureServer, book: Path, tmp_path: Path
) -> None:
    (tmp_path / "vault.md").write_text("# mine\n")
    (tmp_path / ".profile").write_text("export A=1\n")
    (book / "CREDITS.md").symlink_to(tmp_path / "vault.md")
    results_of([offered]).save(book)
    assert (tmp_path / "vault.md").read_text().startswith("# mine\n")
    assert "list-someone" in (tmp_path / "vault.md").read_text()
    (book / "CREDITS.md").unlink()
    (book / "CREDITS.md").symlink_to(tmp_path / ".profile")
    with pytest.raises(NotWrittenError, match=r"a link to .*profile"):
        results_of([offer(server, 2)]).save(book)
    assert (tmp_path / ".profile").read_text() == "export A=1\n"


def test_a_private_credits_file_stays_private_and_a_locked_one_as_it_is(
    offered: Candidate, server: PictureServer, book: Path
) -> None:
    results_of([offered]).save(book)
    for name in ("CREDITS.md", "credits.json"):
        (book / name).chmod(0o600)
    results_of([offer(server, 2)]).save(book)
    assert {stat.S_IMODE((book / name).stat().st_mode) for name in ("CREDITS.md", "credits.json")} == {0o600}
    (book / "credits.json").chmod(0o444)
    before = (book / "credits.json").read_bytes()
    (failed,) = results_of([offer(server, 3)]).save(book).failed
    assert "credits.json" in failed.reason
    assert "write-protected" in failed.reason
    assert (book / "credits.json").read_bytes() == before


def test_a_folder_to_save_into_that_cannot_be_one_is_named(offered: Candidate, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "none" / "none")
    with pytest.raises(NotWrittenError, match="a link that leads nowhere"):
        results_of([offered]).save(tmp_path / "link")
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotWrittenError, match="it is a file"):
        results_of([offered]).save(tmp_path / "file")
    for name in ("~nobody-has-this-name/book", "a\0b"):
        with pytest.raises(NotWrittenError, match="cannot write"):
            results_of([offered]).save(Path(name))


def put_picture(place: Path, *colours: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(encoded(stripes(colours, (90, 60)), "PNG"))


def test_a_picture_of_a_folder_keeps_its_name_and_its_path_is_noted(book: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    put_picture(folder / "2019" / "At Sea (2).PNG", "red", "blue")
    put_picture(folder / "2020" / "at sea (2).png", "red", "green")
    put_picture(folder / f"a{STEERING[:4]}.png", "red", "yellow")
    saved = find_images("red", source=folder, model=ColourEncoder()).save(book)
    assert saved.failed == ()
    noted = {entry["path"]: entry["file"] for entry in credits_of(book)}
    names = {noted["2019/At Sea (2).PNG"], noted["2020/at sea (2).png"]}
    assert names & {"At Sea (2).PNG", "at sea (2).png"}
    assert len({name.casefold() for name in names}) == 2
    assert all(name.casefold().startswith("at sea (2)") for name in names)
    assert noted[r"ax\x1b]0.png"].startswith("folder-")
    assert all(path.name.isprintable() for path in book.iterdir())
    again = find_images("red", source=folder, model=ColourEncoder()).save(book)
    assert [one.is_new for one in again.pictures] == [False] * 3


def test_a_sparse_file_of_forty_gigabytes_is_named_and_not_read(tmp_path: Path, book: Path) -> None:
    folder = tmp_path / "photos"
    put_picture(folder / "boat.png", "red", "blue")
    with (folder / "huge.png").open("wb") as written:
        written.write(encoded(stripes(["red"], (90, 60)), "PNG"))
        written.truncate(40 << 30)
    results = find_images("red", source=folder, model=ColourEncoder())
    assert len(results) == 1
    (skipped,) = results.skipped
    assert skipped.id.endswith("huge.png")
    assert "40.0 GiB" in skipped.reason
    with pytest.raises(WrongQueryError, match=r"huge\.png.*40\.0 GiB"):
        find_images("red", like=folder / "huge.png", source=folder, model=ColourEncoder())
    with (folder / "boat.png").open("r+b") as written:  # between the search and the save
        written.truncate(40 << 30)
    (failed,) = results.save(book).failed
    assert "boat.png is larger than" in failed.reason
    assert not list(book.glob(".phrasepix-*.part"))
