"""Which pictures no model may be trained on: by their sources' terms, or because their creators do not want it."""

from pathlib import Path

from phrasepix.saving.entries import DamagedCreditsError, Entry, read_entries
from phrasepix.sources.registry import registered_source
from retriever.errors import SourceFaultError


def why_forbidden(source: str, *, is_unwanted: bool) -> str:
    """Why no model may be trained on a picture of a source, or whose creator does not want it; empty where one may."""
    if is_unwanted:
        return "their creators want no model trained on them"
    try:
        known = registered_source(source)
    except SourceFaultError:
        return ""  # a plug-in's that cannot be loaded any more
    why = "" if known is None else known.profile.why_not_trained_on
    return f"{known.profile.title}: {why}" if known is not None and why else ""


def why_entry_forbidden(entry: Entry) -> str:
    """The same, of a saved picture."""
    return why_forbidden(entry["source"], is_unwanted=entry.get("no_ai_training") is True)


def forbidden_in(folder: Path) -> dict[str, str]:
    """The names of files that phrasepix has saved into a folder and no model may be trained on, with the reason."""
    try:
        entries = read_entries(folder)
    except (DamagedCreditsError, OSError):
        return {}
    return {entry["file"]: why for entry in entries if (why := why_entry_forbidden(entry))}
