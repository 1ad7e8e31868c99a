"""A tokenizer of the hub's without transformers: the `tokenizers` library alone runs it from one file."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reranker.engine.clip_tokenizer import CLEANINGS
from reranker.errors import NotExportableError
from reranker.models.truncation import Tokenize

TOKENIZER = "tokenizer.json"
"""The file a tokenizer is made from."""

_PROBES = (
    "",
    "two red boats at night",
    "Ein Bär, der Öl trinkt!",
    "тигр играет в снегу",
    "雪の中で遊ぶ虎",
    "老虎在雪地里玩耍",
    "نمر يلعب في الثلج",
    "טיגריס משחק בשלג",
    "बर्फ में खेलता हुआ बाघ",
    "눈 속의 호랑이",
    " a  tiger\t🐅 ",
    "snow " * 600,
)


class FileTokenizer:
    """Texts to token ids, cut and filled up to the context, by the file that `HubTokenizer.write` left in `directory`.

    `clean` is one of open_clip's ways to clean a text, or empty for none.
    """

    def __init__(self, directory: Path, *, clean: str = "") -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(directory / TOKENIZER))
        self._clean: Callable[[str], str] = CLEANINGS[clean] if clean else str

    def __call__(self, texts: Iterable[str]) -> NDArray[np.int64]:
        """Token ids: int64 [len(texts), context]."""
        encoded = self._tokenizer.encode_batch([self._clean(text) for text in texts])
        return np.array([one.ids for one in encoded], dtype=np.int64)


def compare_tokens(ours: Tokenize, theirs: Tokenize) -> None:
    """Raise `NotExportableError` where they differ on some text."""
    for text in _PROBES:
        if not np.array_equal(ours([text]), theirs([text])):
            raise NotExportableError(f"its tokenizer, written to a file, reads {text[:40]!r} otherwise")
