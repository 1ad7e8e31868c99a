"""From a model of sentence-transformers to an exported text tower, compared with what it came from."""

import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reranker import steps
from reranker.engine.export import LARGEST_DIFFERENCE, convert
from reranker.engine.exported_model import TEXT_TOWER
from reranker.engine.exported_text_tower import FORMAT, ExportedTextTower
from reranker.engine.file_tokenizer import FileTokenizer, compare_tokens
from reranker.engine.hub_tokenizer import of_transformers
from reranker.engine.openvino_text_tower import OpenVinoTextTower
from reranker.engine.precomputed_texts import precompute_texts, texts_to_know, write_precomputed_texts
from reranker.engine.staging import moved_into_place, staged
from reranker.errors import ModelError, NotExportableError
from reranker.models.sentence_tower import SentenceTower

_PROBES = ("", "ein Hund", "two red boats at night by the sea wall, and a dog", "тигр в снегу")


def export_text_tower(tower: SentenceTower, engines: Path) -> ExportedTextTower:
    """The artefacts of `tower` (on the CPU) below `engines`, made if they are not there.

    Raises `NotExportableError` where the engine cannot run it, OSError where nothing can be written.
    """
    fingerprint = sha256(f"text {FORMAT} {tower.fingerprint}".encode()).hexdigest()[:24]
    place = engines / fingerprint
    if (present := ExportedTextTower.read(place)) is not None:
        return present
    with staged(engines, fingerprint) as partial:
        of_transformers(tower.model.tokenizer).write(tower.context, partial)
        compare_tokens(FileTokenizer(partial), tower.tokenize)
        example = torch.from_numpy(tower.tokenize(_PROBES)[:, : min(16, tower.context)])
        steps.exporting("converting the text tower", 3, 3)
        convert(_Masked(tower.model, tower.padding), example, [-1, -1], TEXT_TOWER, partial)
        artefacts = ExportedTextTower(partial, fingerprint, tower.dimensions, tower.padding)
        ours = OpenVinoTextTower(artefacts, "comparison")
        _compare(ours, tower)
        texts = texts_to_know()
        known = precompute_texts(ours, texts)
        del ours  # it holds the tower's file open, and some systems move no directory then
        shutil.rmtree(artefacts.compiled, ignore_errors=True)  # made for the comparison and the known texts only
        artefacts.write_manifest()
        write_precomputed_texts(partial, texts, known)  # not in the manifest: without them it is as good
        return moved_into_place(partial, place, ExportedTextTower.read)


class _Masked(nn.Module):
    """Tokens [n, length] to vectors; padding is not attended to."""

    def __init__(self, model: Any, padding: int) -> None:
        super().__init__()
        self.model = model
        self.padding = padding

    def forward(self, tokens: Tensor) -> Tensor:
        mask = (tokens != self.padding).to(torch.int64)
        vectors: Tensor = self.model({"input_ids": tokens, "attention_mask": mask})["sentence_embedding"]
        return vectors


def _compare(exported: OpenVinoTextTower, tower: SentenceTower) -> None:
    for texts in (_PROBES, *([text] for text in _PROBES)):  # together, so that shorter ones are padded, and alone
        try:
            difference = float(np.abs(exported.encode_texts(texts) - tower.encode_texts(texts)).max())
        except ModelError as error:
            raise NotExportableError(str(error)) from None
        if not difference <= LARGEST_DIFFERENCE:
            raise NotExportableError(f"its exported text tower differs from sentence-transformers' by {difference:.1e}")
