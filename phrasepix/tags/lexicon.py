"""What is known of English words, from WordNet: which name things to be seen, how common they are, what is broader.

`english.tsv` has a line a word, sorted: the word, from 0 to 9 how far it names a thing to be seen, how often WordNet's
counted texts use it, broader words; or the word that an irregular form belongs to (`n:child`, `v:sit`).
`training/english_lexicon.py` makes it; WordNet's licence stands beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

_TABLE = "english.tsv"
_NOUN_ENDINGS = (
    ("ies", "y"),
    ("ses", "s"),
    ("xes", "x"),
    ("zes", "z"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("men", "man"),
    ("s", ""),
)
_OTHER_ENDINGS = (
    ("ies", "y"), ("es", "e"), ("es", ""), ("s", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", ""),
    ("er", ""), ("est", ""), ("er", "e"), ("est", "e"),
)  # fmt: skip
"""How words end in other forms, and in their own: the rules of `morphy(7WN)`."""
_THING_FROM = 3
"""From here on, of 9, a word is mostly said of things to be seen."""
_AN_ACT = 0.4
"""What a noun reaches that names no thing to be seen in any of its senses."""
_WORDS_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Word:
    """A word in its dictionary form, `lemma`.

    `thing` is how far it names a thing to be seen (0…1), `count` how often WordNet's counted texts use it, `broader`
    are words for its kind, nearest first.
    """

    lemma: str
    thing: float = 0.0
    count: int = 0
    broader: tuple[str, ...] = ()

    @property
    def is_thing(self) -> bool:
        """Whether the word is mostly said of things to be seen."""
        return self.thing >= _THING_FROM / 9


@lru_cache(maxsize=_WORDS_REMEMBERED)
def english_word(form: str) -> Word | None:
    """Return what is known of the word that `form`, in lower case, is a form of; None if no word is known.

    Of several words that share the form ("leaves", "saw"), a thing to be seen wins, then the more common one.
    """
    possible = list(_possible(form))
    if form.endswith("ing") and any(word.lemma != form for word in possible):  # "riding" is an act, and a form of ride
        possible = [word for word in possible if word.lemma != form or (word.count and word.thing > _AN_ACT)]
    return max(possible, key=lambda word: (word.is_thing, word.count), default=None)


def _possible(form: str) -> Iterator[Word]:
    own, irregular = _entry(form)
    if own is not None:
        yield own
    for kind, lemma in (*irregular, *_regular(form)):
        word, _ = _entry(lemma)
        if word is not None:
            yield word if kind == "n" else Word(word.lemma, 0.0, word.count)  # the form of a verb names no thing


def _regular(form: str) -> Iterator[tuple[str, str]]:
    for kind, endings in (("n", _NOUN_ENDINGS), ("v", _OTHER_ENDINGS)):
        for ending, own in endings:
            if len(form) > len(ending) + 1 and form.endswith(ending) and not form.endswith("ss"):
                yield kind, form[: len(form) - len(ending)] + own


def _entry(word: str) -> tuple[Word | None, tuple[tuple[str, str], ...]]:
    """The table's own word, if any, and the words that it is an irregular form of."""
    line = _line(word)
    if line is None:
        return None, ()
    thing, count, broader, forms = (*line, "", "", "", "")[:4]
    irregular = tuple((form[0], form[2:]) for form in forms.split())
    if not thing:
        return None, irregular
    return Word(word, int(thing) / 9, int(count or 0), tuple(broader.split())), irregular


def _line(word: str) -> list[str] | None:
    """The fields behind `word` in its line of the table, found by halving."""
    if not word or not word.isascii():
        return None
    table, sought = _table(), word.encode("ascii")
    low, high = 0, len(table)
    while low < high:
        start = table.rfind(b"\n", low, (low + high) // 2) + 1 or low
        end = table.index(b"\n", start)
        key, _, fields = table[start:end].partition(b"\t")
        if key == sought:
            return fields.decode("ascii").split("\t")
        if key < sought:
            low = end + 1
        else:
            high = start
    return None


@cache
def _table() -> bytes:
    return files(__package__).joinpath(_TABLE).read_bytes()
