"""Progress on a terminal: a bar, and below it the best so far."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.control import Control
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.segment import ControlType
from rich.style import Style
from rich.text import Text

from phrasepix.events import Stage
from phrasepix.views.cells import at_spaces
from phrasepix.views.terminal import short_name

if TYPE_CHECKING:
    from phrasepix.events import SearchProgress
    from reranker.accumulator import ScoredCandidate
    from reranker.steps import Step

_BEST_SHOWN = 5
_WIDE = 80
"""From how many columns there is room for a bar."""


class _Count(ProgressColumn):
    """How many of how many, or for how long; nothing before there is something to count."""

    def render(self, task: Task) -> Text:
        if (since := task.fields.get("since")) is not None:
            return Text(f"{task.get_time() - since:.0f} s", style="progress.elapsed")
        if task.total is None:
            return Text(f"{task.completed:.0f}" if task.completed else "", style="progress.download")
        return Text(f"{task.completed:.0f}/{task.total:.0f}", style="progress.download")


class _BarAndBest(Progress):
    """A bar, and below it the best so far."""

    best: "tuple[ScoredCandidate, ...]" = ()

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bar, then a line for each of the best."""
        yield from super().get_renderables()
        for rank, one in enumerate(self.best[:_BEST_SHOWN], start=1):
            words = ", ".join(one.candidate.tags) or one.candidate.title
            line = f"  {rank}. {one.score:.3f} {short_name(one.candidate)} {words}"
            yield Text(line, style="dim", no_wrap=True, overflow="ellipsis")


class ProgressBar:
    """The bar on `console`, a terminal, and lines above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = _BarAndBest(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            *([BarColumn(bar_width=24)] if console.width >= _WIDE else []),
            _Count(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("", total=None, since=None)
        self._passing = False
        self._model = "the model"
        self._since = 0.0

    def show(self, progress: "SearchProgress") -> None:
        """Show where the search is."""
        if progress.stage is Stage.LOADING_MODEL:
            self._model = progress.subject
            self.wait(progress.step)
            return
        self._clear()
        skipped = f" ({progress.skipped} skipped)" if progress.skipped else ""
        description = Text(_sentence(progress.step) + skipped).markup  # escaped: a tag is shown as it is
        self._progress.best = progress.best
        self._progress.update(
            self._task, description=description, completed=progress.done, total=progress.total, since=None
        )
        self._progress.start()

    def wait(self, words: str, waited_s: float = 0.0) -> None:
        """Show what is waited for, and for how long; that began `waited_s` seconds ago."""
        self._since = self._progress.get_time() - waited_s
        self._wait(_sentence(words))

    def show_step(self, step: "Step") -> None:
        """Show which step of making the model ready begins."""
        if step.draws and self._passing:
            return  # it is said already, and how far it is the other bar shows
        if step.draws:
            # A download of weights draws its own bar, which a live one would hide.
            self._progress.stop()
            self._clear()
            self._console.print(Text(f"{_sentence(step.words)} of {self._model}, once …"), end="\r", soft_wrap=True)
            self._passing = True
        else:
            self._wait(f"Preparing the model, once: {step.words}", step.done, step.total)

    def _wait(self, words: str, done: int = 0, total: int | None = None) -> None:
        """Show what is waited for, and for how long."""
        self._clear()
        self._progress.best = ()
        self._progress.update(
            self._task, description=Text(words).markup, completed=done, total=total, since=self._since
        )
        self._progress.start()
        self._progress.refresh()  # the next step may begin at once, and this one was to be seen

    def say(self, message: str, path: Path | None = None) -> None:
        """One line for the person, as it is, broken at spaces only; a `path` that follows is a link."""
        self._clear()
        if path is not None:
            line = Text.assemble(message, " ", (str(path), Style(link=path.as_uri())))
            self._console.print(line, soft_wrap=True)
            return
        for line in at_spaces(Text(message), self._console.width):
            self._console.print(line, soft_wrap=True)

    def stop(self) -> None:
        """Take the bar away."""
        self._clear()
        self._progress.stop()

    def _clear(self) -> None:
        """Take back a line that was to pass, over which the cursor still stands."""
        if self._passing:
            self._passing = False
            self._console.control(Control((ControlType.ERASE_IN_LINE, 2)))


def _sentence(step: str) -> str:
    return step[:1].upper() + step[1:]
