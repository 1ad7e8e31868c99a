"""What the tools do, over one finder: plain functions of their arguments, which block."""

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from PIL import Image

from phrasepix.assistant.answers import Tell, ToolAnswer, ToolStep
from phrasepix.assistant.parameters import request_of
from phrasepix.assistant.words import MARKED, as_data, match_in_words, quoted, results_in_words, source_in_words
from phrasepix.errors import NotWrittenError
from phrasepix.events import Event, Listener, SearchProgress
from phrasepix.finder import Finder
from phrasepix.kept_searches import KeptSearch, KeptSearches
from phrasepix.live_results import LiveMatch, LiveResults
from phrasepix.saving.confined import confined_project
from phrasepix.saving.entries import identity_of, read_entries
from phrasepix.saving.ranks import parse_ranks
from phrasepix.saving.save import Saved, SaveProgress
from phrasepix.sources.status import source_statuses
from phrasepix.views.gallery.hotlinks import hotlinked
from phrasepix.views.insert import insert_text
from phrasepix_core.files import reason_of, shown_path
from phrasepix_core.root import Root

LARGEST_LOOK: Final = 512
"""Pixels of the longer side of a picture that is looked at."""
SMALLEST_LOOK: Final = 64
_QUALITY: Final = 85

Arguments = Mapping[str, Any]
"""Checked against the tool's schema."""


class Toolbox:
    """The tools over one finder. Thread-safe.

    Paths are below `root`; without one none can be named, and nothing saved. Each tool raises `PhrasepixError`.
    """

    def __init__(self, finder: Finder, searches: KeptSearches, root: Root | None = None) -> None:
        self._finder = finder
        self._searches = searches
        self.root = root

    def search(self, arguments: Arguments, tell: Tell) -> ToolAnswer:
        """Search by sentence, by picture, or both."""
        request = request_of(arguments, self.root)
        return self._kept(arguments, self._finder.search(request, on_event=_listener(tell)))

    def more_like(self, arguments: Arguments, tell: Tell) -> ToolAnswer:
        """Search with a match as the question."""
        match = self._match(arguments)
        assert match.request is not None  # noqa: S101  # a final search has it
        request = match.request if "top" not in arguments else replace(match.request, top=arguments["top"])
        found = self._finder.more_like(match, request, by=arguments.get("by"), on_event=_listener(tell))
        return self._kept(arguments, found)

    def look(self, arguments: Arguments, tell: Tell) -> ToolAnswer:
        """Show the picture of a match, small."""
        match = self._match(arguments)
        there = hotlinked(match.candidate)
        picture = match.picture.copy()
        longest = arguments.get("size", LARGEST_LOOK)
        picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
        facts = {
            "search": arguments["search"],
            "rank": match.rank,
            "width": picture.width,
            "height": picture.height,
            "hotlink": there.url if there else None,
        }
        text = f"{MARKED}\n{match_in_words(match, self._results(arguments).loopback_sources)}"
        if match.candidate.tags:
            text += "\nTags: " + ", ".join(quoted(tag) for tag in match.candidate.tags)
        if there:
            text += f"\nThe source has people see this picture by its own address only: {there.url}"
        return ToolAnswer(text, facts, _jpeg(picture), is_for_the_assistant_alone=there is not None)

    def sources(self, arguments: Arguments, tell: Tell) -> ToolAnswer:
        """List where pictures can come from."""
        statuses = source_statuses()
        lines = [source_in_words(one) for one in statuses]
        if self.root is not None:
            lines.append("A folder of pictures below the root is a source, too, by its path.")
        return ToolAnswer("\n".join(lines), {"sources": as_data([one.to_dict() for one in statuses])})

    def save(self, arguments: Arguments, tell: Tell) -> ToolAnswer:
        """Save matches below the root, each with its credit."""
        results = self._results(arguments)
        folder = confined_project(arguments.get("folder", ""), self.root)

        def show(progress: SaveProgress) -> None:
            tell(ToolStep(progress.done, progress.total, f"saving {progress.picture}".rstrip()))

        return self._saved(results.save(folder, arguments["ranks"], on_progress=show))

    def insert_text(self, arguments: Arguments, tell: Tell) -> ToolAnswer:
        """Return matches as they are put into a text, with their credit."""
        results = self._results(arguments)
        files = self._files(arguments["folder"]) if "folder" in arguments else {}
        form = arguments["form"]
        inserts = []
        for rank in parse_ranks(arguments["ranks"], len(results)):
            candidate = results[rank - 1].candidate
            text = insert_text(candidate, form, files.get(candidate.identity, ""))
            inserts.append({"rank": rank, "form": form, "text": as_data(text)})
        return ToolAnswer("\n\n".join(one["text"] for one in inserts), {"inserts": inserts})

    def _kept(self, arguments: Arguments, results: LiveResults) -> ToolAnswer:
        search = KeptSearch(dict(arguments))
        self._searches.put(search, results)
        return ToolAnswer(results_in_words(search.id, results), {"id": search.id} | as_data(results.to_dict()))

    def _results(self, arguments: Arguments) -> LiveResults:
        return self._searches.get(arguments["search"]).final

    def _match(self, arguments: Arguments) -> LiveMatch:
        results = self._results(arguments)
        (rank,) = parse_ranks([arguments["rank"]], len(results))
        return results[rank - 1]

    def _saved(self, saved: Saved) -> ToolAnswer:
        assert self.root is not None  # noqa: S101  # nothing is saved without one
        root, lines = self.root, []
        pictures, failed = [], []
        for one in saved.pictures:
            path = root.relative(one.path)
            pictures.append(
                {"rank": one.match.rank, "path": path, "is_new": one.is_new, "credit": one.match.credit("text")}
            )
            what = "saved as" if one.is_new else "was saved before as"
            lines.append(f"{one.match.rank}. {what} {quoted(path)} · credit {quoted(one.match.credit('text'))}")
        for other in saved.failed:
            failed.append({"rank": other.match.rank, "reason": other.reason})
            lines.append(f"{other.match.rank}. not saved: {quoted(other.reason)}")
        if pictures:
            lines.append(f"All credits: {quoted(root.relative(saved.directory / 'CREDITS.md'))}")
        facts = {"folder": root.relative(saved.directory), "saved": pictures, "failed": failed}
        return ToolAnswer("\n".join(lines), as_data(facts), is_failure=bool(failed) and not pictures)

    def _files(self, given: str) -> dict[tuple[str, str], str]:
        """Return the files saved into a folder, by whose pictures they are. Raises `NotWrittenError`."""
        folder = confined_project(given, self.root)
        try:
            return {identity_of(entry): entry["file"] for entry in read_entries(folder)}
        except (OSError, ValueError) as error:
            raise NotWrittenError(f"what was saved in {shown_path(given)} cannot be read: {reason_of(error)}") from None


def _listener(tell: Tell) -> Listener:
    """Return a listener that tells where a search is; its notices stand in the results."""

    def listen(event: Event) -> None:
        if isinstance(event, SearchProgress):
            tell(ToolStep(event.done, event.total, event.step))

    return listen


def _jpeg(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
