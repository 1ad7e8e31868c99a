"""Inventory of the caches on this machine: how much each holds, and clearing them."""

import os
import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from phrasepix.errors import NotKeptError
from phrasepix_core import environment
from phrasepix_core.files import at_home, unique
from reranker.engine.export_lock import export_lock
from reranker.memory import EMBEDDINGS_FILE, FINGERPRINTS_FILE, PICTURES_FILE, TEXTS_FILE, Memory
from reranker.memory.embedding_store import EmbeddingStore
from reranker.memory.fingerprint_store import FingerprintStore
from reranker.memory.picture_store import PictureStore
from retriever.directories import cache_directory
from retriever.folder.file_index import NOTES_FILE, FileIndex
from retriever.http.response_cache import ResponseCache, answer_files

EMBEDDINGS, FINGERPRINTS, PICTURES = "embeddings", "fingerprints", "pictures"
TEXTS = "texts"
"""Embeddings of the phrases that others are read against; they go with the embeddings."""
ANSWERS, GALLERIES = "answers", "galleries"
ENGINES, FOLDERS, WEIGHTS = "engines", "folders", "weights"
_FILES = (
    (EMBEDDINGS, EMBEDDINGS_FILE),
    (EMBEDDINGS, TEXTS_FILE),
    (FINGERPRINTS, FINGERPRINTS_FILE),
    (PICTURES, PICTURES_FILE),
    (FOLDERS, NOTES_FILE),
)
_EXPORT_PATIENCE_S = 60.0
"""How long an export that is under way is waited for before exported models are cleared."""
CLEARABLE = (EMBEDDINGS, FINGERPRINTS, PICTURES, ANSWERS, GALLERIES, ENGINES, FOLDERS)


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """Things of one `kind`: `name` is a model, a source or nothing, `size` their bytes, `count` None where unknown."""

    kind: str
    name: str
    count: int | None
    size: int
    path: Path


def inventory() -> list[CacheEntry]:
    """All that is kept, kind by kind. Embeddings count the bytes of their vectors, the others those of their files."""
    directory = cache_directory()
    kept: list[CacheEntry] = []
    with _memory(directory) as memory:
        if memory is not None:
            if memory.embeddings.path.exists():
                kept += [
                    CacheEntry(EMBEDDINGS, one.encoder_name, one.count, one.size, memory.embeddings.path)
                    for one in memory.embeddings.kept()
                ]
            if memory.texts.path.exists():
                kept += [
                    CacheEntry(TEXTS, one.encoder_name, one.count, one.size, memory.texts.path)
                    for one in memory.texts.kept()
                ]
            if memory.fingerprints.path.exists() and (count := memory.fingerprints.count()):
                kept.append(CacheEntry(FINGERPRINTS, "", count, memory.fingerprints.size(), memory.fingerprints.path))
            if memory.pictures.path.exists() and (count := memory.pictures.count()):
                kept.append(CacheEntry(PICTURES, "", count, memory.pictures.size(), memory.pictures.path))
    for source, file in answer_files(directory).items():
        with ResponseCache(file) as answers:
            if count := answers.count():
                kept.append(CacheEntry(ANSWERS, source, count, answers.size(), file))
    if (notes := directory / NOTES_FILE).exists():
        with FileIndex(notes) as noted:
            kept.append(CacheEntry(FOLDERS, "", noted.count(), noted.size(), notes))
    if galleries := _galleries(directory):
        kept.append(CacheEntry(GALLERIES, "", len(galleries), _bytes(galleries), directory / "galleries"))
    engines = directory / "engines"  # models made ready for an engine
    if size := _bytes(_files_below(engines)):
        kept.append(CacheEntry(ENGINES, "", len(_models_made_ready(engines)), size, engines))
    networks = directory / "weights"
    if size := _bytes(_files_below(networks)):
        kept.append(CacheEntry(WEIGHTS, "networks", None, size, networks))
    hub = _weights_directory()
    if hub.is_dir():
        kept.append(CacheEntry(WEIGHTS, "", None, _bytes(_files_below(hub)), hub))
    return kept


def clear(kinds: Iterable[str] = CLEARABLE, *, model: str | None = None, older_than_days: float = 0) -> dict[str, int]:
    """Remove what is of these kinds, unused (embeddings, fingerprints) or made so many days ago; how many of each went.

    `model` restricts embeddings to the models whose name has it. Weights are never removed: other programs use them.
    Raises `NotKeptError` where no model is called so.
    """
    directory = cache_directory()
    removed = dict.fromkeys(kinds, 0)
    with _memory(directory) as memory:
        if memory is not None and EMBEDDINGS in removed and memory.embeddings.path.exists():
            for name in _models(memory, model):
                removed[EMBEDDINGS] += memory.embeddings.clear(name, unused_for_days=older_than_days)
            # A pair of towers has texts under its own name, and pictures under its image tower's.
            for kept in memory.texts.kept() if memory.texts.path.exists() else ():
                if not model or model.lower() in kept.encoder_name.lower():
                    memory.texts.clear(kept.encoder_name, unused_for_days=older_than_days)
        elif model and EMBEDDINGS in removed:
            raise _no_such_model(model, [])
        if memory is not None and FINGERPRINTS in removed and memory.fingerprints.path.exists():
            removed[FINGERPRINTS] = memory.fingerprints.clear(unused_for_days=older_than_days)
        if memory is not None and PICTURES in removed and memory.pictures.path.exists():
            removed[PICTURES] = memory.pictures.clear(older_than_days=older_than_days)
    if ANSWERS in removed:
        for file in answer_files(directory).values():
            with ResponseCache(file) as answers:
                removed[ANSWERS] += answers.clear(older_than=timedelta(days=older_than_days))
    if FOLDERS in removed and (directory / NOTES_FILE).exists():
        with FileIndex(directory / NOTES_FILE) as noted:
            removed[FOLDERS] = noted.clear(unseen_for_days=older_than_days)
    if GALLERIES in removed:
        for file in _galleries(directory):
            with suppress(OSError):  # gone meanwhile, or not to be removed
                if _is_old(file, older_than_days):
                    file.unlink()
                    removed[GALLERIES] += 1
    if ENGINES in removed:
        removed[ENGINES] = _clear_engines(directory / "engines", older_than_days)
    if not model and not older_than_days:
        for damaged in _set_aside(directory, removed):
            damaged.unlink(missing_ok=True)
    return removed


def shrink(most_bytes: int) -> dict[str, int]:
    """Remove the least recently used until pictures, fingerprints and embeddings take at most `most_bytes` together.

    Pictures go first, for they are kept for a day only, embeddings last: they are the most work. How many of each went.
    """
    removed = {PICTURES: 0, FINGERPRINTS: 0, EMBEDDINGS: 0}
    with _memory(cache_directory()) as memory:
        if memory is None:
            return removed
        kept: dict[str, PictureStore | FingerprintStore | EmbeddingStore]
        kept = {PICTURES: memory.pictures, FINGERPRINTS: memory.fingerprints, EMBEDDINGS: memory.embeddings}
        for kind, store in kept.items():
            others = sum(other.size() for other in kept.values() if other is not store)
            if store.path.exists() and store.size() + others > most_bytes:
                removed[kind] = store.shrink_to(max(0, most_bytes - others))
    return removed


def _set_aside(directory: Path, kinds: Collection[str]) -> Iterator[Path]:
    """Where files of these kinds lie that were damaged and set aside, if any were."""
    yield from ((directory / name).with_suffix(".damaged") for kind, name in _FILES if kind in kinds)
    if ANSWERS in kinds:
        yield from directory.glob("*-answers.damaged")


@contextmanager
def _memory(directory: Path) -> Iterator[Memory | None]:
    if not directory.is_dir():
        yield None
        return
    with Memory(directory) as memory:
        yield memory


def _models(memory: Memory, model: str | None) -> list[str]:
    names = [one.encoder_name for one in memory.embeddings.kept()]
    chosen = [name for name in names if not model or model.lower() in name.lower()]
    if model and not chosen:
        raise _no_such_model(model, names)
    return chosen


def _no_such_model(model: str, names: list[str]) -> NotKeptError:
    return NotKeptError(f"no embeddings of a model {model!r} are kept; there are: {', '.join(names) or 'none'}")


def _models_made_ready(engines: Path) -> list[Path]:
    return [manifest.parent for manifest in engines.glob("**/manifest.json")]


def _clear_engines(engines: Path, older_than_days: float) -> int:
    """Remove exported models, each at once: who looks for one meanwhile finds it whole, or not at all."""
    with _no_export_under_way(engines):
        old = [model for model in _models_made_ready(engines) if _is_old(model / "manifest.json", older_than_days)]
        for place in old if older_than_days else [engines]:
            aside = place.with_name(unique(f"{place.name}.", ".partial"))
            try:
                place.rename(aside)
            except OSError:  # gone meanwhile, or in use where files in use cannot be moved
                aside = place
            shutil.rmtree(aside, ignore_errors=True)
    return len(old)


@contextmanager
def _no_export_under_way(engines: Path) -> Iterator[None]:
    """Wait for the exports under way, for a while, and let no other begin."""
    with ExitStack() as held:
        for lock in sorted(engines.glob("choices/*.lock")):
            held.enter_context(export_lock(lock, patience_s=_EXPORT_PATIENCE_S))
        yield


def _is_old(file: Path, days: float) -> bool:
    """Whether a file was made so many days ago; without an age each was, as was one from a time to come."""
    try:
        age_s = time.time() - file.stat().st_mtime
    except OSError:
        return False  # gone meanwhile
    return not days or age_s < 0 or age_s >= days * 24 * 60 * 60


def _galleries(directory: Path) -> list[Path]:
    return sorted((directory / "galleries").glob("*.html"))


def _weights_directory() -> Path:
    """Where the Hugging Face client keeps weights, by its own rules; importing it takes longer than asking."""
    home = environment.variable("HF_HOME") or Path(environment.variable("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return at_home(Path(environment.variable("HF_HUB_CACHE") or Path(home) / "hub"))


def _files_below(directory: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(directory):
        yield from (Path(folder) / name for name in names)


def _bytes(files: Iterable[Path]) -> int:
    total = 0
    for file in files:
        try:
            total += file.lstat().st_size  # a link of the hub's snapshots is not the file again
        except OSError:
            continue  # gone meanwhile
    return total
