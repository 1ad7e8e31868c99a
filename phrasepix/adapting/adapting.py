"""Learning an adapter from labelled folders or from picks, and keeping it if it is of use."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from phrasepix.adapting.labelled_folder import LabelledPicture, labelled_pictures
from phrasepix.adapting.picks import AVOIDED, PICKED, picked_pictures
from phrasepix.events import Listener, Notice, SearchProgress, Stage, ignore
from phrasepix.finder import Finder
from phrasepix.models.adapters import adapter_named, adapters_directory, is_adapter_name
from phrasepix.models.catalogue import NAMED, choose_model
from phrasepix_core.candidate import Candidate
from phrasepix_core.files import at_home
from phrasepix_core.messages import Hint
from reranker.adapters.adapter import Adapter, digest_of, write_adapter
from reranker.adapters.cross_validation import LEAST_LABELS, LEAST_PICTURES, Verdict, cross_validated
from reranker.adapters.layer import Labels, LabelSpread
from reranker.encoder import Embeddings, image_tower_name
from reranker.errors import NoGainError
from reranker.memory import EncodedPicture
from reranker.models.model_spec import DEFAULT_MODEL
from reranker.models.open_clip_registry import architectures
from reranker.models.registry import is_registered
from reranker.pictures import PictureLoader
from reranker.pictures.offline import OfflineFetcher
from retriever.errors import WrongParameterError
from retriever.folder.file_index import NOTES_FILE, FileIndex
from retriever.folder.names import shown
from retriever.folder.profile import FOLDER


@dataclass(frozen=True, slots=True)
class Adapted:
    """An adapter that was learnt and kept, and what pictures that it was not learnt on say of it."""

    adapter: Adapter
    verdict: Verdict


class Adapting:
    """Learns adapters by a finder's models and memory; `on_event` is told how far it is, and what is left out."""

    def __init__(self, finder: Finder, on_event: Listener = ignore) -> None:
        self._finder = finder
        self._on_event = on_event

    def adapt(self, name: str, folder: Path, base: str | None = None, pretrained: str | None = None) -> Adapted:
        """Learn the adapter `name` over the model `base` from the folders in `folder`, and keep it.

        The model is named as in `SearchRequest`; by default it is the usual one. An adapter of that name is replaced.
        Raises `WrongParameterError` for a name that is taken, and where there are too few labelled pictures;
        `NoGainError` where the adapter is of no use; `ModelError` and `NotWrittenError`.
        """
        folder = at_home(folder).absolute()

        def labelled() -> list[LabelledPicture]:
            with FileIndex(self._finder.config.directory / NOTES_FILE) as notes:
                return labelled_pictures(folder, notes, self._skip)

        return self._learnt(name, labelled, partial(_demand_enough, folder), base, pretrained)

    def adapt_to_picks(
        self, name: str, projects: Sequence[Path], base: str | None = None, pretrained: str | None = None
    ) -> Adapted:
        """Learn the adapter `name` from what was picked in the projects and what was to be avoided, and keep it.

        What is not on this machine is known only as long as its embedding by the model is remembered. Otherwise as
        `adapt`.
        """
        folders = [at_home(project).absolute() for project in projects]

        def labelled() -> list[LabelledPicture]:
            with FileIndex(self._finder.config.directory / NOTES_FILE) as notes:
                return picked_pictures(folders, notes, self._skip)

        return self._learnt(name, labelled, partial(_demand_picks, folders), base, pretrained)

    def _learnt(
        self,
        name: str,
        labelled: Callable[[], Sequence[LabelledPicture]],
        demand_enough: Callable[[Sequence[LabelledPicture]], None],
        base: str | None,
        pretrained: str | None,
    ) -> Adapted:
        _demand_name(name)
        base = base or DEFAULT_MODEL.model
        if adapter_named(base) is not None:
            raise WrongParameterError(f"{base} is an adapter itself; adapt the model that it was learnt over")
        pictures = labelled()
        demand_enough(pictures)
        pictures, rows, tower = self._encoded(pictures, base, pretrained)
        demand_enough(pictures)
        names = sorted({one.label for one in pictures})
        numbers = {label: number for number, label in enumerate(names)}
        labels = np.array([numbers[one.label] for one in pictures], dtype=np.intp)
        verdict = self._judged(rows, labels)
        if not verdict.is_better:
            raise NoGainError(
                f"the adapter {name} would be of no use, and is not kept: on pictures it was not learnt on, "
                f"{in_words(verdict)}; more pictures of each label may help, or labels that differ by what can be seen"
            )
        layer = LabelSpread(rows, labels).layer(verdict.strength)
        adapter = Adapter(
            name=name,
            base=base,
            pretrained=pretrained,
            base_tower=tower,
            dimensions=rows.shape[1],
            digest=digest_of(layer),
            labels=dict(Counter(one.label for one in pictures)),
            figures=asdict(verdict),
        )
        write_adapter(adapters_directory() / name, adapter, layer)
        return Adapted(adapter, verdict)

    def _encoded(
        self, pictures: Sequence[LabelledPicture], base: str, pretrained: str | None
    ) -> tuple[list[LabelledPicture], Embeddings, str]:
        """Those that can be encoded, their rows, and the name of the image tower."""
        title, _ = choose_model(base, pretrained, only_the_sample=False)
        self._on_event(SearchProgress(f"loading the model {title}", stage=Stage.LOADING_MODEL, subject=title))
        reranker, memory = self._finder.reranker_of(base, pretrained)
        rows: dict[int, Embeddings] = {}
        skipped = 0
        candidates = [one.candidate for one in pictures]
        with (
            PictureLoader(OfflineFetcher(), local_sources={FOLDER.name}) as loader,
            reranker.pool_encoder.encoding(candidates, loader, memory) as batches,
        ):
            for batch in batches:
                for (number,), candidate, outcome in batch:
                    if isinstance(outcome, EncodedPicture):
                        rows[number] = outcome.embedding
                    else:
                        skipped += 1
                        self._on_event(Notice((f"{_called(candidate)}: {outcome}",), FOLDER.name))
                self._on_event(SearchProgress("looking at the pictures", len(rows) + skipped, len(pictures), skipped))
        kept = sorted(rows)
        if not kept:
            raise WrongParameterError("none of the pictures can be used")
        stacked = np.stack([rows[number] for number in kept])
        return [pictures[number] for number in kept], stacked, image_tower_name(reranker.encoder)

    def _judged(self, rows: Embeddings, labels: Labels) -> Verdict:
        def tell(done: int, total: int) -> None:
            self._on_event(SearchProgress("learning, and asking pictures it was not learnt on", done, total))

        return cross_validated(rows, labels, on_progress=tell)

    def _skip(self, path: Path, reason: str) -> None:
        self._on_event(Notice((f"{shown(str(path))}: {reason}",), FOLDER.name))


def _called(candidate: Candidate) -> str:
    return shown(candidate.relative_path or candidate.title or str(candidate))


def in_words(verdict: Verdict) -> str:
    """Return the figures of a verdict as people read them."""
    precision, recall = verdict.precision_gain, verdict.recall_gain
    return (
        f"mean average precision {verdict.precision_before:.3f} → {verdict.precision_after:.3f} "
        f"({precision.mean:+.3f}, 95 %: {precision.low:+.3f} to {precision.high:+.3f}), "
        f"recall@1 {verdict.recall_before:.3f} → {verdict.recall_after:.3f} "
        f"({recall.mean:+.3f}, 95 %: {recall.low:+.3f} to {recall.high:+.3f})"
    )


def _demand_name(name: str) -> None:
    if not is_adapter_name(name):
        raise WrongParameterError(f"{name!r} is no name of an adapter; it takes letters, digits, “.”, “-” and “_”")
    if name in NAMED or is_registered(name) or name in architectures():
        raise WrongParameterError(f"{name} is the name of a model already; choose another for the adapter")


def _demand_enough(folder: Path, pictures: Sequence[LabelledPicture]) -> None:
    counts = Counter(one.label for one in pictures)
    enough = [label for label, count in counts.items() if count >= LEAST_PICTURES]
    if len(enough) < LEAST_LABELS:
        there = ", ".join(f"{label}: {count}" for label, count in sorted(counts.items())[:12]) or "none"
        raise WrongParameterError(
            f"{shown(str(folder))} has too few labelled pictures: at least {LEAST_LABELS} folders must have "
            f"{LEAST_PICTURES} different ones each; there are {there}"
        )


def _demand_picks(projects: Sequence[Path], pictures: Sequence[LabelledPicture]) -> None:
    counts = Counter(one.label for one in pictures)
    if min(counts[PICKED], counts[AVOIDED]) < LEAST_PICTURES:
        raise WrongParameterError(
            f"{', '.join(shown(str(one)) for one in projects)}: too little was said of pictures that are known: it "
            f"takes {LEAST_PICTURES} that were saved or preferred, and {LEAST_PICTURES} to be avoided; there are "
            f"{counts[PICKED]} and {counts[AVOIDED]}. What is said of a search is noted with ",
            Hint("note_feedback"),
        )
