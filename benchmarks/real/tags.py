"""Whether tags found in what people write bring the photograph into the pool.

A stock site of photographs that five people described: a picture's tags are the dictionary forms of the words that two
of its captions 2–5 share (all of them if no two agree); caption 1 is the phrase. A question of several words wants all
of them. The product's own `TagsFromPhrase` asks it.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from statistics import fmean

import regex
import simplemma

from benchmarks.language_phrases import OTHERS, phrases
from benchmarks.real.figures import Figure, Part, interval, json_lines
from phrasepix.request import USUAL_REQUESTS
from phrasepix.searching.tag_strategies import TagLog, TagsFromPhrase
from phrasepix.tags import DerivedTag, derived_tags
from phrasepix_core.candidate import Candidate
from retriever.errors import WrongParameterError
from retriever.filters import NO_FILTERS, Filters
from retriever.languages import LANGUAGES
from retriever.protocol import Page
from retriever.testing import made_candidate

LIMIT = 200
"""Answers that the site gives to a question."""
SCALES = (1, 2, 10, 40)
"""How many times larger a site is, as far as the part of it goes that an answer holds."""
BEFORE = {1: (0.766, 3.4, 132), 2: (0.706, 3.2, 88), 10: (0.468, 2.5, 23), 40: (0.267, 2.1, 6)}
"""What the code of 4e827df came to on `../shared/real_captions` by scale: in the pool, questions, pool."""
_WORD = regex.compile(r"[a-z][a-z'-]*")
_GRAMMAR = frozenset(
    """
    a an the this that these those some any each every another other all both of in on at with by for from to into
    onto over under above below behind beside near next between among around through across against along up down
    off out about after before during while as and or but nor so i me my you your he him his she her hers it its
    we us our they them their theirs who whom whose which what where when there here one two three four five six
    seven eight nine ten is are was were be been being am has have had having do does
    """.split()  # noqa: SIM905 -- a list of ninety quoted words is harder to read
)
"""Articles, prepositions, pronouns, numbers, forms of be, have and do."""


@cache
def _lemma(word: str) -> str:
    return simplemma.lemmatize(word, lang="en").lower()


def content(text: str) -> list[str]:
    """The dictionary forms of a caption's words, less grammar."""
    words = (_lemma(word) for word in _WORD.findall(text.lower()) if word not in _GRAMMAR)
    return [word for word in words if word not in _GRAMMAR]


def tags_of(captions: Sequence[str]) -> frozenset[str]:
    """What two of the captions share; all of their words if no two agree."""
    counts = Counter(word for caption in captions for word in set(content(caption)))
    return frozenset(word for word, count in counts.items() if count >= 2) or frozenset(counts)


@dataclass(frozen=True)
class Photograph:
    """A photograph: its id, the phrase that describes it, its tags."""

    id: str
    phrase: str
    tags: frozenset[str]


def photographs(directory: Path) -> list[Photograph]:
    """Those of `captions.jsonl`."""
    rows = json_lines(directory / "captions.jsonl")
    return [
        Photograph(str(row["image_id"]), row["captions"][0], tags_of(row["captions"][1:]))
        for row in rows
        if row["captions"]
    ]


class CaptionSite:
    """A stock site of photographs in one fixed random order; an answer holds `most` of them."""

    name = "captions"

    def __init__(self, photographs: Sequence[Photograph], most: int = LIMIT) -> None:
        self.most = most
        self.asked = 0
        shuffled = random.Random(0).sample(photographs, len(photographs))
        self._tagged: dict[str, dict[str, None]] = defaultdict(dict)
        for one in shuffled:
            for tag in one.tags:
                self._tagged[tag][one.id] = None

    def pages(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Iterable[Candidate]]:
        """One page: the site shows no second."""
        self.asked += 1
        narrowest, *others = sorted((self._tagged.get(_lemma(word), {}) for word in tag.lower().split()), key=len)
        found = [one for one in narrowest if all(one in other for other in others)]
        yield Page([_candidate(one, tag) for one in found[: self.most]], min(len(found), self.most), len(found))

    def retrieve(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Candidate]:
        """See `pages`."""
        for page in self.pages(tag, limit=limit, filters=filters):
            yield from page


def _candidate(identifier: str, tag: str) -> Candidate:
    return made_candidate(identifier, source="captions", found_by=tag)


@dataclass(frozen=True)
class Outcome:
    """For each phrase: whether its photograph came into the pool, questions sent, pictures in the pool."""

    found: list[bool]
    questions: list[int]
    pools: list[int]


def asked(known: Sequence[Photograph], most: int, *, one_by_one: bool = False, broader: bool = True) -> Outcome:
    """Ask a site of `known` for each of them; `one_by_one` asks the first tags alone and learns nothing."""
    site = CaptionSite(known, most)
    found, questions, pools = [], [], []
    for one in known:
        before = site.asked
        pool = {candidate.id for candidate in _candidates(site, one.phrase, one_by_one, broader)}
        found.append(one.id in pool)
        questions.append(site.asked - before)
        pools.append(len(pool))
    return Outcome(found, questions, pools)


def _candidates(site: CaptionSite, phrase: str, one_by_one: bool, broader: bool) -> Iterator[Candidate]:
    try:
        tags: Sequence[DerivedTag] = derived_tags(phrase)
    except WrongParameterError:  # it names no thing
        return
    tags = [tag for tag in tags if broader or not tag.instead_of]
    if one_by_one:
        for tag in [tag for tag in tags if not tag.instead_of][:USUAL_REQUESTS]:
            yield from site.retrieve(tag.tag, limit=site.most, filters=NO_FILTERS)
    else:
        yield from chain.from_iterable(TagsFromPhrase(tags).chunks(site, site.most, NO_FILTERS, TagLog()))


def measured(directory: Path) -> Part:
    """The figures of what is shipped, and the section of the report."""
    known = photographs(directory)
    shipped = asked(known, LIMIT)
    figures = (interval("tags_in_pool", shipped.found), interval("questions", shipped.questions))
    return Part(figures, lambda: _section(known, shipped, figures))


def _section(known: Sequence[Photograph], shipped: Outcome, figures: Sequence[Figure]) -> str:
    rows = []
    for scale in SCALES:
        most = LIMIT // scale
        outcomes = {
            "each word alone, the first four": asked(known, most, one_by_one=True),
            "planned, no broader words": asked(known, most, broader=False),
            "**shipped**: planned": shipped if scale == 1 else asked(known, most),
        }
        size = f"{scale} ×"
        right, questions, pool = BEFORE[scale]
        rows.append(f"| {size} | 4e827df | {right:.3f} | {questions:.1f} | {pool} |")
        rows += [
            f"| | {name} | {interval('', one.found)} | {fmean(one.questions):.1f} | {fmean(one.pools):.0f} |"
            for name, one in outcomes.items()
        ]
    said = [bool(set(content(one.phrase)) & one.tags) for one in known]
    missed = [one for one, found in zip(known, shipped.found, strict=True) if not found]
    no_word = sum(not (set(content(one.phrase)) & one.tags) for one in missed)
    examples = "\n".join(f"- “{one.phrase.strip()}”; tags: {', '.join(sorted(one.tags)[:8])}" for one in missed[:8])
    languages = "\n".join(
        f"| {LANGUAGES[language]} | {phrase} | {_shown(phrase, language)} |"
        for language, text in OTHERS.items()
        for phrase in phrases(text)[:2]
    )
    table = "\n".join(rows)
    return f"""## Tags that people's sentences lead to

`tags_in_pool` {figures[0]}, `questions` {figures[1]}: the share of {len(known)} photographs
that come into the pool when what one person wrote of them is asked of a site whose tags are what four others wrote. A
word of the phrase is among the tags at all in {interval("", said)}: no choice of questions brings more. A
site is taken for larger by letting an answer hold a smaller part of it ({LIMIT} pictures on a site of 1 ×,
{LIMIT // SCALES[-1]} at {SCALES[-1]} ×).

| site | asked | in the pool | questions | pool |
|---|---|---:|---:|---:|
{table}

**Missed** are {len(missed)}: in {no_word} no word of the phrase is among the tags, in the others only words that
answers of {LIMIT} do not hold, or a fifth word. For example:

{examples}

### Other languages

Their stop words and grammar tell the nouns; no such data is at hand for them.

| language | phrase | tags |
|---|---|---|
{languages}
"""


def _shown(phrase: str, language: str) -> str:
    try:
        found = derived_tags(phrase, language)
    except WrongParameterError:
        return "none: its words are not told apart by spaces"
    return " · ".join(f"({one.tag})" if one.instead_of else one.tag for one in found)
