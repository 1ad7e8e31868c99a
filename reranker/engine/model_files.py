"""The files that artefacts are made from."""

from collections.abc import Iterator
from pathlib import Path

from reranker.models.model_spec import ModelSpec


def files_of(spec: ModelSpec, *, download: bool = True) -> Iterator[Path]:
    """The files whose change means another model under the same name; some of them need not exist.

    Those that are not on this machine are downloaded, unless `download` is False. Raises `UnknownModelError`,
    `WeightsUnavailableError` or `ModelError`.
    """
    if spec.text_tower is not None:
        from reranker.models.text_weights import find_text_tower

        files = find_text_tower(spec.text_tower, download=download).files
    else:
        from reranker.models.weights import files_beside, find_weights

        files = files_beside(find_weights(spec.model, spec.pretrained, download=download))
    yield from files
    for folder in files[0].absolute().parents:
        if folder.name == "snapshots":  # the hub's cache: which snapshot is the newest stands in refs
            yield folder.parent / "refs" / "main"
