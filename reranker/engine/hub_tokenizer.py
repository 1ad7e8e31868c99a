"""A tokenizer as the hub keeps it, read without transformers: `tokenizer.json`, and what is said beside it.

transformers does what `tokenizer.json` says too, but for what its own classes add. Where that could be anything else,
the tokenizer is refused here: texts would be read otherwise than the model learnt to read them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phrasepix_core.text import printable, shortened
from reranker.engine.file_tokenizer import TOKENIZER
from reranker.errors import NotExportableError

_SETTINGS = "tokenizer_config.json", "special_tokens_map.json"
"""The first that says something is right."""

_PLAIN_CLASSES = {
    "BertTokenizer", "DistilBertTokenizer", "GemmaTokenizer", "PreTrainedTokenizer", "RobertaTokenizer", "T5Tokenizer",
    "TokenizersBackend", "XLMRobertaTokenizer",
}  # fmt: skip
"""transformers' classes that do what their `tokenizer.json` says and what is looked at here, "Fast" or not."""
_PADS_LEFT = {"GemmaTokenizer"}
"""Of these, those that fill up on the left if nothing else is said."""
_NAMES_OF_PADDING = "<pad>", "[PAD]"


@dataclass(frozen=True, slots=True)
class HubTokenizer:
    """A tokenizer, without a context: `text` is all that the `tokenizers` library makes it from.

    `padding` and `pad_token` fill a text up, on the `padding_side`, and what is too much is cut off on the
    `truncation_side`: left or right.
    """

    text: str
    padding: int
    pad_token: str
    padding_side: str = "right"
    truncation_side: str = "right"

    def write(self, context: int, directory: Path) -> None:
        """Write `tokenizer.json` for texts of exactly `context` tokens, as `FileTokenizer` reads it."""
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_str(self.text)
        tokenizer.enable_truncation(max_length=context, direction=self.truncation_side)
        tokenizer.enable_padding(
            length=context, pad_id=self.padding, pad_token=self.pad_token, direction=self.padding_side
        )
        tokenizer.save(str(directory / TOKENIZER))


def of_transformers(tokenizer: Any) -> HubTokenizer:
    """All that a tokenizer of transformers does. Raises `NotExportableError` where it does not say."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or tokenizer.pad_token_id is None:
        raise NotExportableError(f"its tokenizer, {type(tokenizer).__name__}, cannot be run without transformers")
    return HubTokenizer(
        str(backend.to_str()),
        int(tokenizer.pad_token_id),
        tokenizer.pad_token,
        tokenizer.padding_side,
        tokenizer.truncation_side,
    )


def read_hub_tokenizer(directory: Path) -> HubTokenizer:
    """The tokenizer in `directory`.

    Raises `NotExportableError` where transformers alone knows what it does, or where its files are damaged.
    """
    from tokenizers import Tokenizer

    try:
        text = (directory / TOKENIZER).read_text(encoding="utf-8")
        tokenizer = Tokenizer.from_str(text)
        settings = _settings(directory)
    except FileNotFoundError:
        raise NotExportableError(f"its tokenizer is not kept as {TOKENIZER}: transformers alone makes it") from None
    except Exception as error:  # the library raises Exception itself on what it cannot read
        why = shortened(printable(str(error)), 300)
        raise NotExportableError(f"its tokenizer cannot be read from {TOKENIZER}: {why}") from None
    kind = str(settings.get("tokenizer_class") or "").removesuffix("Fast")
    for problem in _problems(tokenizer, json.loads(text), settings, kind):
        raise NotExportableError(f"its tokenizer needs transformers: {problem}")
    return HubTokenizer(
        text,
        *_padding(tokenizer, settings),
        settings.get("padding_side") or ("left" if kind in _PADS_LEFT else "right"),
        settings.get("truncation_side") or "right",
    )


def _settings(directory: Path) -> dict[str, Any]:
    """What the files beside `tokenizer.json` say, each of which may be missing."""
    settings: dict[str, Any] = {}
    for name in _SETTINGS:
        if (directory / name).is_file():
            said = json.loads((directory / name).read_text(encoding="utf-8"))
            if not isinstance(said, dict):
                raise ValueError(f"{name} holds no object")
            settings = said | settings
    return settings


def _padding(tokenizer: Any, settings: dict[str, Any]) -> tuple[int, str]:
    """The token texts are filled up with. Raises `NotExportableError` where none is said."""
    for token in (_content(settings.get("pad_token")), *_NAMES_OF_PADDING):
        if token and (number := tokenizer.token_to_id(token)) is not None:
            return int(number), token
    raise NotExportableError("its tokenizer needs transformers: it does not say what it fills texts up with")


def _content(token: Any) -> str:
    """A token's text, which stands alone or with its properties; empty where there is none."""
    return str((token.get("content") if isinstance(token, dict) else token) or "")


def _problems(tokenizer: Any, own: dict[str, Any], settings: dict[str, Any], kind: str) -> Iterator[str]:
    """What transformers would do otherwise than `tokenizer.json`, whose content is `own`, says."""
    if kind and kind not in _PLAIN_CLASSES:
        yield f"its class is {shortened(printable(kind), 80)}"
    for side in ("padding_side", "truncation_side"):
        if settings.get(side, "right") not in {"left", "right", None}:
            yield f"its {side} is {settings[side]!r}"
    added = settings.get("added_tokens_decoder") or {}
    extra = settings.get("additional_special_tokens") or []
    extra = [*extra, *(settings.get("extra_special_tokens") or [])]
    tokens = {_content(token): int(number) for number, token in added.items()}
    tokens |= {_content(token): tokenizer.token_to_id(_content(token)) for token in extra}
    for token, number in tokens.items():
        if number is None or tokenizer.token_to_id(token) != number:
            yield f"{TOKENIZER} has no token {shortened(printable(token), 80)!r}"
    ends = tokenizer.encode("").ids
    for name, at in (("bos", 0), ("eos", -1)):
        wanted, token = settings.get(f"add_{name}_token"), _content(settings.get(f"{name}_token"))
        if wanted is not None and token and bool(wanted) != (ends[at:][:1] == [tokenizer.token_to_id(token)]):
            yield f"add_{name}_token is not what {TOKENIZER} does"
    if settings.get("add_prefix_space") is not None:
        for part in _parts(own.get("pre_tokenizer"), "ByteLevel"):
            if bool(part.get("add_prefix_space")) != bool(settings["add_prefix_space"]):
                yield f"add_prefix_space is not what {TOKENIZER} does"
    if kind in {"", "BertTokenizer", "DistilBertTokenizer"}:
        asked = {
            "lowercase": settings.get("do_lower_case", True),
            "strip_accents": settings.get("strip_accents"),
            "handle_chinese_chars": settings.get("tokenize_chinese_chars", True),
        }
        for part in _parts(own.get("normalizer"), "BertNormalizer"):
            is_lower = bool(part.get("lowercase"))
            for name, value in asked.items():
                there = part.get(name)
                if name == "strip_accents":  # None is: as letters are made small
                    value, there = (is_lower if one is None else one for one in (value, there))
                if bool(value) != bool(there):
                    yield f"{name} is not what {TOKENIZER} does"


def _parts(step: Any, kind: str) -> Iterator[dict[str, Any]]:
    """The parts of a normalizer or a pre-tokenizer that are of a kind."""
    if not isinstance(step, dict):
        return
    if step.get("type") == kind:
        yield step
    for inner in (*step.get("normalizers", ()), *step.get("pretokenizers", ())):
        yield from _parts(inner, kind)
