"""Make `phrasepix/tags/english.tsv`, what tag finding knows of English words: `python -m training.english_lexicon`.

From WordNet's own files (Debian's packages `wordnet-base` and `wordnet-sense-index` put them into
`/usr/share/wordnet`), of which one line a word is kept: how far the word names a thing to be seen, how often it is
used, which broader words stand for it. `BROADER` beside it corrects WordNet where people call a thing otherwise.
"""

import argparse
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

TABLE = Path(__file__).parents[1] / "phrasepix" / "tags" / "english.tsv"
LICENCE = TABLE.with_name("english.LICENSE.txt")
BROADER = Path(__file__).with_name("broader.toml")
WORDNET = Path("/usr/share/wordnet")

_SHAPE = re.compile(r"[a-z][a-z'-]*[a-z]")
_NOUN, _VERB = "1", "2"
# fmt: off
_SEEN = {
    "Tops", "animal", "artifact", "body", "food", "group", "object", "person", "phenomenon", "plant", "substance",
}
"""The lexicographer's files, of WordNet's 26 of nouns, of what can be seen."""
_NOUN_FILES = (
    "Tops", "act", "animal", "artifact", "attribute", "body", "cognition", "communication", "event", "feeling", "food",
    "group", "location", "motive", "object", "person", "phenomenon", "plant", "possession", "process", "quantity",
    "relation", "shape", "state", "substance", "time",
)
"""By their number in a sense key, from 3 on (`lexnames(5WN)`)."""
_TOO_BROAD = frozenset({
    "being", "body", "cause", "commodity", "device", "entity", "equipment", "group", "individual", "instrumentation",
    "mammal", "material", "matter", "mortal", "object", "organism", "part", "person", "product", "region", "somebody",
    "someone", "soul", "structure", "substance", "thing", "traveler", "unit", "whole", "way", "work", "worker",
})
"""What no picture is tagged with for want of a better word."""
# fmt: on
_UNCOUNTED = 0.5
"""Uses that a word's first sense counts for in addition."""
_STEPS_UP = 4
_OFTEN = 3
"""Uses in WordNet's counted texts from which a broader word is one that people say."""


@dataclass
class Word:
    """Uses of one word by sense: those of nouns for things to be seen, of all nouns, of all senses."""

    seen: float = 0.0
    noun: float = 0.0
    all: float = 0.0
    count: int = 0
    senses: list[tuple[int, str]] = field(default_factory=list)
    """Of things to be seen: number and synset."""

    @property
    def thing(self) -> int:
        """From 0 (a verb, an adjective) to 9 (in all its uses a thing to be seen)."""
        if not self.noun:
            return 0
        return round(9 * self.noun / self.all * (0.3 + 0.7 * self.seen / self.noun))


def words_of(sense_index: Iterable[str]) -> dict[str, Word]:
    """The words of WordNet's `index.sense`. A sense nobody counted weighs by its number, and in doubt is the noun's."""
    words: dict[str, Word] = defaultdict(Word)
    for line in sense_index:
        key, synset, number, count = line.split()
        lemma, _, rest = key.partition("%")
        if not _SHAPE.fullmatch(lemma):
            continue
        kind, file_number, *_ = rest.split(":")
        word, uses = words[lemma], int(count) + (_UNCOUNTED if kind == _NOUN else _UNCOUNTED / 5) / int(number)
        word.all += uses
        word.count += int(count)
        if kind == _NOUN:
            word.noun += uses
            if _NOUN_FILES[int(file_number) - 3] in _SEEN:
                word.seen += uses
                word.senses.append((int(number), synset))
    return words


def synsets_of(data: Iterable[str]) -> dict[str, tuple[list[str], list[str]]]:
    """Of WordNet's `data.noun`: each synset's words, as they are written, and the synsets above it."""
    found = {}
    for line in data:
        if line.startswith(" "):
            continue
        fields = line.partition("|")[0].split()
        count = int(fields[3], 16)
        words = [fields[4 + 2 * number] for number in range(count)]
        pointers = fields[5 + 2 * count :]
        above = [pointers[at + 1] for at in range(0, len(pointers) - 3, 4) if pointers[at] == "@"]
        found[fields[0]] = (words, above)
    return found


def broader_words(lemma: str, words: dict[str, Word], synsets: dict[str, tuple[list[str], list[str]]]) -> Iterator[str]:
    """A common word for the same thing, then the nearest common kind of it."""
    for _, synset in sorted(words[lemma].senses):
        names, above = synsets[synset]
        if lemma not in names:  # a name that is written large
            continue
        for step in range(_STEPS_UP + 1):
            common = [
                name
                for name in names
                if name != lemma
                and name in words
                and words[name].count >= max(_OFTEN, 2 * words[lemma].count)
                and words[name].thing >= 5
                and name not in _TOO_BROAD
            ]
            if common:
                yield max(common, key=lambda name: words[name].count)
                if step:
                    return
            if not above:
                return
            names, above = synsets[above[0]]
        return


def irregular_forms(exceptions: Iterable[str]) -> Iterator[tuple[str, str]]:
    """WordNet's exceptions: a form and its word."""
    for line in exceptions:
        form, *lemmas = line.split()
        if _SHAPE.fullmatch(form) and _SHAPE.fullmatch(lemmas[0]):
            yield form, lemmas[0]


def licence_of(data: Iterable[str]) -> str:
    """WordNet's licence, which stands in numbered lines at the head of each of its files."""
    head = takewhile(lambda line: line.startswith("  "), data)
    return "".join(f"{line.strip().partition(' ')[2].strip()}\n" for line in head)


def table(wordnet: Path, corrections: dict[str, list[str]]) -> str:
    """The table's text."""

    def lines(name: str) -> list[str]:
        return (wordnet / name).read_text(encoding="utf-8").splitlines()

    words = words_of(lines("index.sense"))
    synsets = synsets_of(lines("data.noun"))
    corrected = {narrow: kind for kind, narrower in corrections.items() for narrow in narrower}
    rows = {}
    for lemma, word in words.items():
        broader = list(dict.fromkeys(broader_words(lemma, words, synsets)))[:2]
        if lemma in corrected:
            broader = [corrected[lemma]]
        rows[lemma] = [str(word.thing), str(word.count or ""), " ".join(broader)]
    for lemma, kind in corrected.items():
        rows.setdefault(lemma, ["9", "", kind])
    for mark, name in (("n", "noun.exc"), ("v", "verb.exc"), ("v", "adj.exc")):
        for form, lemma in irregular_forms(lines(name)):
            if lemma in words and form != lemma:
                row = rows.setdefault(form, ["", "", ""])
                row[3:] = [f"{mark}:{lemma}"] if len(row) == 3 else row[3:]
    return "".join(f"{word}\t" + "\t".join(row).rstrip("\t") + "\n" for word, row in sorted(rows.items()))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Make the table of English words from WordNet's files.")
    parser.add_argument("--wordnet", type=Path, default=WORDNET)
    arguments = parser.parse_args()
    corrections = tomllib.loads(BROADER.read_text(encoding="utf-8"))
    TABLE.write_text(table(arguments.wordnet, corrections), encoding="ascii")
    LICENCE.write_text(
        "english.tsv is made from WordNet 3.0 by training/english_lexicon.py, which says what was changed.\n\n"
        + licence_of((arguments.wordnet / "data.noun").read_text(encoding="utf-8").splitlines()),
        encoding="utf-8",
    )
    print(f"{TABLE.stat().st_size / 1e6:.2f} MB, {len(TABLE.read_bytes().splitlines())} words")


if __name__ == "__main__":
    main()
