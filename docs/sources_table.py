"""README's table of sources, from their profiles: `python -m docs.sources_table` writes it between its markers."""

from pathlib import Path

from docs.marked import with_content
from phrasepix.sources.registry import BUILT_IN, source_named
from phrasepix.sources.status import credit_in_words, limits_in_words
from retriever.profile import SourceProfile

README = Path(__file__).resolve().parents[1] / "README.md"
START, END = "<!-- sources:start -->", "<!-- sources:end -->"


def sources_table() -> str:
    """The Markdown table, a line for each source that comes along."""
    lines = [
        "| source | `--source` | key | limits | credit | hotlinking | on download |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in BUILT_IN:
        profile = source_named(name).profile
        fields = [
            f"[{profile.title}]({profile.home_url})" if profile.home_url else profile.title,
            f"`{name}`",
            _key(profile),
            limits_in_words(profile),
            credit_in_words(profile),
            profile.hotlinking.value,
            profile.download_duty or "–",
        ]
        lines.append("| " + " | ".join(field.replace("|", r"\|") for field in fields) + " |")
    return "\n".join(lines)


def _key(profile: SourceProfile) -> str:
    return f"`{profile.key_variable}`, free at <{profile.key_url}>" if profile.needs_key else "none needed"


def with_table(text: str) -> str:
    """A text with the table between its markers. Raises `ValueError` where it does not have them."""
    return with_content(text, START, END, sources_table())


def write() -> None:
    """Write the table into README."""
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
