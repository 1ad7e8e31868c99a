"""Text towers of sentence-transformers: a model of the hub, the mean of its tokens, and a matrix."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reranker.errors import NotNativeError
from reranker.graphs.bert import DISTILBERT, Bert, mean_of
from reranker.graphs.ops import Ops
from reranker.graphs.options import Options
from reranker.graphs.tensors import Tensors, tensors_in
from reranker.graphs.weights import NamedTensors

_KINDS = ("Transformer", "Pooling", "Dense")
_FILES = ("model.safetensors", "pytorch_model.bin")
_IDENTITY = "torch.nn.modules.linear.Identity"
_DISTILBERT_EPSILON = 1e-12


@dataclass(frozen=True, slots=True)
class SentenceText:
    """A DistilBERT, whose vectors' mean a matrix takes to `dimensions`; texts have up to `context` tokens.

    `dense` is the directory of the matrix below the model's own.
    """

    model: Bert
    context: int
    dense: str
    has_bias: bool
    dimensions: int

    @classmethod
    def of(cls, directory: Path) -> "SentenceText":
        """The tower in `directory`. Raises `NotNativeError` where something in its configuration is not known here."""
        modules = _read(directory / "modules.json")
        paths = [_path_of(module, kind) for module, kind in zip(_list(modules), _KINDS, strict=False)]
        if len(_list(modules)) != len(_KINDS) or paths[0]:
            raise NotNativeError("its modules are other than a model, the mean of its tokens, and a matrix")
        settings = Options(_read(directory / "sentence_bert_config.json"), "sentence_bert_config")
        context = settings.number("max_seq_length")
        settings.demand_all_known()
        whole = Options(_read(directory / "config_sentence_transformers.json", {}), "config_sentence_transformers")
        whole.ignore("__version__", "similarity_fn_name", "model_type", "prompts")
        whole.demand_all_known()  # a default prompt, which is put before each text
        model = _distilbert(Options(_read(directory / "config.json"), "config"))
        if context > model.positions:
            raise settings.unknown("max_seq_length", context)
        _demand_mean(Options(_read(directory / paths[1] / "config.json"), "Pooling"), model.width)
        dense = Options(_read(directory / paths[2] / "config.json"), "Dense")
        dimensions, has_bias = dense.number("out_features"), bool(dense.take("bias", True))
        dense.choice("in_features", None, (model.width,))
        dense.choice("activation_function", None, (_IDENTITY,))
        dense.choice("module_input_name", "sentence_embedding", ("sentence_embedding",))
        dense.choice("module_output_name", "sentence_embedding", ("sentence_embedding", None))
        dense.demand_all_known()
        return cls(model, context, paths[2], has_bias, dimensions)

    def build(self, ops: Ops, directory: Path) -> Any:
        """The tower as OpenVINO's model, from tokens [n, length] to vectors [n, dimensions].

        Its constants live no longer than `ops`. Raises `NotNativeError`, and what `tensors_in` raises.
        """
        tokens = ops.input("tokens", [-1, -1], "i64")
        weights = NamedTensors(ops, _weights_in(directory))
        pooled = mean_of(ops, *self.model.build(weights, tokens))
        weights.demand_all_taken()
        matrix = NamedTensors(ops, _weights_in(directory / self.dense))
        layer = matrix.linear("linear", self.model.width, self.dimensions, bias=self.has_bias)
        matrix.demand_all_taken()
        return ops.model([tokens], ops.linear(pooled, layer), "text")


def _weights_in(directory: Path) -> Tensors:
    for name in _FILES:
        if (path := directory / name).is_file():
            return tensors_in(path)
    raise NotNativeError(f"there is none of {', '.join(_FILES)} in {directory.name}")


def _distilbert(options: Options) -> Bert:
    """The model of transformers that its configuration describes."""
    options.choice("model_type", None, ("distilbert",))
    options.choice("activation", "gelu", ("gelu",))
    width, heads = options.number("dim", 768), options.number("n_heads", 12)
    if width % heads:
        raise options.unknown("n_heads", heads)
    model = Bert(
        DISTILBERT,
        layers=options.number("n_layers", 6),
        width=width,
        heads=heads,
        hidden=options.number("hidden_dim", 3072),
        vocabulary=options.number("vocab_size", 30522),
        positions=options.number("max_position_embeddings", 512),
        padding=options.take("pad_token_id", 0),
        epsilon=_DISTILBERT_EPSILON,
        counts_padding=True,
    )
    if not isinstance(model.padding, int):
        raise options.unknown("pad_token_id", model.padding)
    return model


def _demand_mean(options: Options, width: int) -> None:
    """Raise `NotNativeError` where something else than the mean of all tokens is taken."""
    for key in ("word_embedding_dimension", "embedding_dimension"):
        options.choice(key, width, (width,))
    options.choice("pooling_mode", "mean", ("mean",))
    options.choice("pooling_mode_mean_tokens", True, (True,))
    options.choice("include_prompt", True, (True,))
    options.demand_all_known()


def _path_of(module: Any, kind: str) -> str:
    """Where a module of that kind has its files."""
    if isinstance(module, Mapping) and str(module.get("type", "")).rpartition(".")[2] == kind:
        return str(module.get("path") or "")
    raise NotNativeError(f"a module of it is no {kind}")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _read(path: Path, default: Any = None) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if default is not None:
            return default
        raise NotNativeError(f"it has no {path.name}") from None
    except ValueError as error:
        raise NotNativeError(f"its {path.name} is damaged: {error}") from None
