"""The page of encoders and README's table of them, from their profiles."""

from collections.abc import Iterator
from pathlib import Path

from docs.marked import with_content
from phrasepix.models.catalogue import PROFILES
from reranker.encoder_profile import EncoderProfile
from reranker.models.registry import registered_names, registered_profile

README = Path(__file__).resolve().parents[1] / "README.md"
START, END = "<!-- encoders:start -->", "<!-- encoders:end -->"


def encoders_page(note: str) -> str:
    """Return the page, which begins with `note`."""
    head = [
        note,
        "# Encoders",
        "What pictures can be compared by: `--like photo.jpg --by NAME`, or `like=…, by=…`. Those that read texts rank "
        "a phrase as well: `--model NAME`. [Which one when](../which-encoder.md). `phrasepix encoders` says "
        "which are ready here, and with `--measure` how quick each is.",
        "Bytes are what is remembered of a picture, at most. All of them compare by cosine; `sift`, `akaze` and `orb` "
        "then compare the best hundred pictures point by point.",
        encoders_table(),
    ]
    return "\n\n".join(head) + "\n"


def encoders_table() -> str:
    """Return the Markdown table, a line for each encoder that has a name here."""
    profiles = {name: profile for name in registered_names() if (profile := registered_profile(name)) is not None}
    head = "| name | what | texts | bytes | licence | extra |\n|---|---|---|---:|---|---|\n"
    return head + "\n".join(_lines(PROFILES | profiles))


def with_table(text: str) -> str:
    """Return a text with the table between its markers. Raises `ValueError` where it does not have them."""
    return with_content(text, START, END, encoders_table())


def write() -> None:
    """Write the table into README."""
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")


def _lines(profiles: dict[str, EncoderProfile]) -> Iterator[str]:
    for name, one in profiles.items():
        title = f"[{one.title}]({one.home_url})" if one.home_url else one.title
        texts = "yes" if "texts" in one.encodes else "no"
        extra = f"`{one.extra}`" if one.extra else "–"
        yield f"| `{name}` | {title} | {texts} | {one.bytes_per_picture} | {one.licence} | {extra} |"
