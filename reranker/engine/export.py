"""From open_clip's model to artefacts: both towers converted, saved, and compared with what they came from."""

import json
import shutil
import warnings
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from open_clip.tokenizer import HFTokenizer, SimpleTokenizer, get_clean_fn
from PIL import Image
from torch import Tensor, nn

from reranker import steps
from reranker.encoder import Embeddings, Encoder
from reranker.engine import runtime
from reranker.engine.clip_tokenizer import CLEANINGS, write_merges
from reranker.engine.exported_model import (
    FORMAT,
    FROM_FILE,
    IMAGE_TOWER,
    OF_CLIP,
    TEXT_TOWER,
    ExportedModel,
)
from reranker.engine.file_tokenizer import FileTokenizer, compare_tokens
from reranker.engine.hub_tokenizer import of_transformers
from reranker.engine.openvino_encoder import OpenVinoEncoder
from reranker.engine.precomputed_texts import precompute_texts, texts_to_know, write_precomputed_texts
from reranker.engine.preprocessing import Preprocessing
from reranker.engine.staging import moved_into_place, staged
from reranker.errors import ModelError, NotExportableError
from reranker.models.open_clip_encoder import OpenClipEncoder

LARGEST_DIFFERENCE = 1e-4
"""What an exported tower's unit vectors may differ by from open_clip's, in f32."""

_PROBES = ("", "two red boats at night", "a dog and a cat by the sea wall")


def export(encoder: OpenClipEncoder, engines: Path, *, release: bool = False) -> ExportedModel:
    """The artefacts of `encoder` (on the CPU) below `engines`, made if they are not there.

    They are written under a temporary name and moved into place: several processes may do so at once. With
    `release` the encoder's weights are freed on the way, which spares memory, and it encodes nothing afterwards. Raises
    `NotExportableError` where the engine cannot run the model, OSError where nothing can be written.
    """
    kind, clean = _tokenizer(encoder)
    try:
        preprocessing = Preprocessing.of_config(encoder.preprocessing)
    except ModelError as error:
        raise NotExportableError(str(error)) from None
    fingerprint = _fingerprint(encoder)
    place = engines / fingerprint
    if (present := ExportedModel.read(place)) is not None:
        return present
    with staged(engines, fingerprint) as partial:
        steps.exporting("converting the text tower", 3, 4)
        text_tower, ends = _text_tower(encoder.model)
        tokens = torch.from_numpy(encoder.tokenize(_PROBES))
        pixels = torch.zeros(2, 3, preprocessing.height, preprocessing.width)
        convert(
            text_tower, tokens[:, :7] if ends else tokens, [-1, -1 if ends else tokens.shape[1]], TEXT_TOWER, partial
        )
        steps.exporting("converting the image tower", 4, 4)
        convert(_ImageTower(encoder.model), pixels, [-1, *pixels.shape[1:]], IMAGE_TOWER, partial)
        _write_tokenizer(encoder, kind, clean, partial)
        parameters = sum(weight.numel() for weight in encoder.model.visual.parameters())
        artefacts = ExportedModel(
            partial,
            fingerprint,
            encoder.dimensions,
            encoder.input_side,
            preprocessing,
            tokens.shape[1],
            clean,
            kind,
            encoder.padding,
            ends,
            parameters,
        )
        expected = _texts_by(encoder), _pictures_by(encoder)
        if release:
            encoder.model.to("meta")
        ours = OpenVinoEncoder(artefacts, "comparison", precision="f32")
        _compare(ours, expected)
        texts = texts_to_know()
        known = precompute_texts(ours, texts)
        del ours  # it holds the tower's file open, and some systems move no directory then
        shutil.rmtree(artefacts.compiled, ignore_errors=True)  # made for the comparison and the known texts only
        artefacts.write_manifest()
        write_precomputed_texts(partial, texts, known)  # not in the manifest: without them it is as good
        return moved_into_place(partial, place, ExportedModel.read)


class _ImageTower(nn.Module):
    """Pixels [n, 3, height, width] to vectors."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        vectors: Tensor = self.model.encode_image(pixels)
        return vectors


class _WholeTextTower(nn.Module):
    """Tokens [n, context] to vectors."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        vectors: Tensor = self.model.encode_text(tokens)
        return vectors


class _EndingTextTower(nn.Module):
    """Tokens [n, up to context] to vectors, for a causal tower that reads its result at the end of the text.

    What stands after the end cannot reach it, so the positions and the mask need only be as long as the texts.
    """

    def __init__(self, text: Any) -> None:
        super().__init__()
        self.text = text

    def forward(self, tokens: Tensor) -> Tensor:
        text, length = self.text, tokens.shape[1]
        vectors = text.token_embedding(tokens) + text.positional_embedding[:length]
        vectors = text.ln_final(text.transformer(vectors, attn_mask=text.attn_mask[:length, :length]))
        ends: Tensor = vectors[torch.arange(vectors.shape[0]), tokens.argmax(dim=-1)]
        projection = text.text_projection
        if projection is None:
            return ends
        projected: Tensor = projection(ends) if isinstance(projection, nn.Linear) else ends @ projection
        return projected


def _text_tower(model: Any) -> tuple[nn.Module, bool]:
    """The text tower to convert, and whether texts may end before the context does."""
    text = getattr(model, "text", model)  # a CustomTextCLIP has its tower there, a CLIP is one itself
    ends = (
        isinstance(getattr(text, "attn_mask", None), Tensor)
        and getattr(text, "text_pool_type", getattr(text, "pool_type", None)) == "argmax"
        and getattr(text, "cls_emb", None) is None
        and not getattr(text, "use_pad_mask", False)
    )
    return (_EndingTextTower(text) if ends else _WholeTextTower(model)), ends


def _tokenizer(encoder: OpenClipEncoder) -> tuple[str, str]:
    """The kind of the tokenizer, and how it cleans texts."""
    tokenizer = encoder.tokenizer
    plain = isinstance(tokenizer, SimpleTokenizer) and tokenizer.reduction_fn is None
    from_file = isinstance(tokenizer, HFTokenizer) and not (tokenizer.tokenizer_mode or tokenizer.strip_sep_token)
    for clean in CLEANINGS:
        if from_file and tokenizer.clean_fn is get_clean_fn(clean):
            return FROM_FILE, clean
        if plain and tokenizer.clean_fn is get_clean_fn(clean) and len(tokenizer.all_special_ids) == 2:
            return OF_CLIP, clean
    raise NotExportableError(f"its tokenizer, {type(tokenizer).__name__}, is not CLIP's own")


def _write_tokenizer(encoder: OpenClipEncoder, kind: str, clean: str, directory: Path) -> None:
    if kind == OF_CLIP:
        write_merges(directory)
        return
    tokenizer = encoder.tokenizer
    of_transformers(tokenizer.tokenizer).write(tokenizer.context_length, directory)
    compare_tokens(FileTokenizer(directory, clean=clean), encoder.tokenize)


def convert(tower: nn.Module, example: Tensor, shape: list[int], name: str, directory: Path) -> None:
    """Save a tower as the file `name` in `directory`; its input is like `example`, with any number where `shape` is -1.

    Raises `NotExportableError` where OpenVINO cannot run it, OSError where it cannot be written.
    """
    openvino = runtime.import_openvino()
    kind = openvino.Type.i64 if example.dtype == torch.int64 else openvino.Type.f32
    try:
        with warnings.catch_warnings(), torch.no_grad():
            # The tracer warns of each number it takes for constant; whether one was not, the comparison shows.
            warnings.simplefilter("ignore")
            converted = openvino.convert_model(
                tower.eval(), example_input=example, input=[(openvino.PartialShape(shape), kind)]
            )
    except Exception as error:  # whatever of torch's operations the converter does not know
        raise NotExportableError(" ".join(str(error).split())[:300] or type(error).__name__) from None
    runtime.save_model(converted, directory / name)


def _compare(ours: OpenVinoEncoder, expected: tuple[Embeddings, Embeddings]) -> None:
    """Raise `NotExportableError` where the exported towers do not say what open_clip's said of the probes."""
    try:
        said = _texts_by(ours), _pictures_by(ours)
    except ModelError as error:
        raise NotExportableError(str(error)) from None
    for tower, here, there in zip(("text", "image"), said, expected, strict=True):
        difference = float(np.abs(here - there).max(initial=0))
        if not difference <= LARGEST_DIFFERENCE:
            raise NotExportableError(f"its exported {tower} tower differs from open_clip's by {difference:.1e}")


def _texts_by(encoder: Encoder) -> Embeddings:
    return np.concatenate([encoder.encode_texts([text]) for text in _PROBES])


def _pictures_by(encoder: Encoder) -> Embeddings:
    noise = np.random.default_rng(0).integers(0, 256, (2, 37, 53, 3), dtype=np.uint8)
    pictures = [Image.fromarray(pixels).resize((400, 300 + 200 * number)) for number, pixels in enumerate(noise)]
    return encoder.encode_pictures(pictures)


def _fingerprint(encoder: OpenClipEncoder) -> str:
    """A digest of all that the artefacts depend on."""
    architecture = open_clip.get_model_config(encoder.weights.model)
    parts = [FORMAT, encoder.fingerprint, encoder.weights.quick_gelu, architecture]
    if isinstance(encoder.tokenizer, HFTokenizer):  # of files of its own
        parts.append(of_transformers(encoder.tokenizer.tokenizer).text)
    return sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:24]
