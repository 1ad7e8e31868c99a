"""Whether tags found in a phrase bring the right picture into the pool: `python -m benchmarks.tag_finding`.

Asks the built-in sample's stock site, through Pixabay's retriever, for phrases whose truth is known, in sentence forms
held out from the training of the sample's model. No model takes part: what is counted is the pool. Writes
`benchmarks/TAG_FINDING.md`.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from pathlib import Path
from statistics import fmean

from phrasepix.request import USUAL_REQUESTS
from phrasepix.sample.site import StockSite
from phrasepix.searching.tag_strategies import TagLog, TagsFromPhrase
from phrasepix.tags import derived_tags
from retriever.filters import Filters
from retriever.pixabay import PIXABAY_POLICY, PixabayRetriever
from training.captions import SUBJECT_WORDS
from training.measure import Question, sample_phrases, shows

REPORT = Path(__file__).with_name("TAG_FINDING.md")
GOAL = 0.97
LIMIT = 200
SYNONYMS = {word for subject, pairs in SUBJECT_WORDS.items() for pair in pairs for word in pair if subject not in word}
"""Words for a subject in which the tag that the site has for it does not occur."""
EVERYDAY = (
    ("en", "a tiger playing in the snow"),
    ("en", "an old fisherman mending nets"),
    ("en", "a polar bear on melting ice"),
    ("en", "the dog runs through the tall grass"),
    ("en", "a cup of coffee on a rainy window sill in the morning"),
    ("en", "in a crowded train a woman reading a letter"),
    ("en", "a hot air balloon over the mountains at sunrise"),
    ("en", "children playing in autumn leaves"),
    ("en", "an empty swing in the fog"),
    ("en", "grandmother and granddaughter baking bread"),
    ("de", "ein alter Fischer flickt im Morgengrauen seine Netze am Hafen"),
    ("de", "Ein Leuchtturm im Schneesturm"),
    ("de", "Zwei Kinder mit roten Gummistiefeln springen in eine Pfütze"),
    ("fr", "une vieille dame assise sur un banc dans un parc enneigé"),
    ("fr", "deux chevaux blancs au bord de la mer"),
    ("es", "un niño comiendo una naranja en la playa"),
    ("it", "due barche rosse di notte sotto la pioggia"),
    ("nl", "een kat slaapt op een vensterbank"),
    ("pl", "dwie czerwone łodzie w nocy w deszczu"),
    ("ru", "тигр играет в снегу"),
)


@dataclass(frozen=True)
class Line:
    """What so many requests at most bring: how many were sent, how large pools are, how often the right one is there.

    Shares of all phrases, of those that name every subject by its tag, of those with a word that the site does not
    know, and of all where broader words are not asked instead.
    """

    requests: int
    sent: float
    pool: float
    all: float
    by_tag: float
    by_synonym: float
    without_broader: float


def has_synonym(question: Question) -> bool:
    """Whether the phrase has a word for a subject that the site does not know."""
    return bool(SYNONYMS & set(question.phrase.text.split()))


def measure(questions: Sequence[Question], budgets: Iterable[int]) -> list[Line]:
    """A line for each of these numbers of requests a search may send."""
    lines = []
    synonyms = [has_synonym(question) for question in questions]
    with (
        StockSite(requests_per_minute=1_000_000) as site,
        PixabayRetriever(
            site.key, base_url=site.api_url, policy=replace(PIXABAY_POLICY, keep_answers_for=timedelta(0))
        ) as retriever,
    ):
        for requests in budgets:
            before = site.served["api"]
            pools = [_pool(retriever, question, requests, with_broader=True) for question in questions]
            sent = (site.served["api"] - before) / len(questions)
            plain = [_pool(retriever, question, requests, with_broader=False) for question in questions]
            right = [_is_right(question, pool) for question, pool in zip(questions, pools, strict=True)]
            lines.append(
                Line(
                    requests,
                    sent,
                    fmean(map(len, pools)),
                    fmean(right),
                    fmean(found for found, other in zip(right, synonyms, strict=True) if not other),
                    fmean(found for found, other in zip(right, synonyms, strict=True) if other),
                    fmean(_is_right(question, pool) for question, pool in zip(questions, plain, strict=True)),
                )
            )
    return lines


def _pool(retriever: PixabayRetriever, question: Question, requests: int, *, with_broader: bool) -> list[int]:
    tags = [one for one in derived_tags(question.phrase.text) if with_broader or not one.instead_of]
    chunks = TagsFromPhrase(tags, requests).chunks(retriever, LIMIT, Filters(media_type="all"), TagLog())
    return [int(candidate.id) for candidate in chain.from_iterable(chunks)]


def _is_right(question: Question, pool: Sequence[int]) -> bool:
    return any(shows(question, number) for number in pool)


def report(phrases: int, seed: int) -> str:
    """Measure and write the report; returns it."""
    questions = sample_phrases(phrases, seed)
    lines = measure(questions, range(1, USUAL_REQUESTS + 1))
    rows = "\n".join(
        f"| {line.requests} | {line.sent:.2f} | {line.pool:.0f} | **{line.all:.3f}** | {line.by_tag:.3f} "
        f"| {line.by_synonym:.3f} | {line.without_broader:.3f} |"
        for line in lines
    )
    examples = "\n".join(f"| {language} | {phrase} | {_shown(phrase, language)} |" for language, phrase in EVERYDAY)
    text = f"""# Whether the right picture is in the pool

`python -m benchmarks.tag_finding --phrases {phrases} --seed {seed}`

On real people's sentences: [REAL.md](REAL.md#tags-that-peoples-sentences-lead-to). All figures below are from our own
drawings.

Searches without a tag, in the built-in sample through its stock site: {phrases} phrases in sentence forms held out from
the training of the sample's model. Counted is whether a picture that shows **all** the phrase says is among the
candidates; no model takes part. Goal: ≥ {GOAL} with at most {USUAL_REQUESTS} requests.

| requests at most | sent | pool | right picture in it | named by tag | a word the site lacks | no broader words |
|---:|---:|---:|---:|---:|---:|---:|
{rows}

“A word the site lacks”: {sum(map(has_synonym, questions))} phrases say kitten or parasol where the site knows cat and
umbrella. There the broader word is asked when the narrower brought nothing (from WordNet, `english.tsv`). The
last column is what all phrases come to without that: the figure to expect of words that have no broader one. These are
our own drawings; what real people's sentences come to is in [REAL.md](REAL.md).

## Tags of everyday phrases

In the order in which they are asked on a small site; on a large one the first are joined. Those in brackets are asked
only if the one they stand for brought nothing. At most {USUAL_REQUESTS} requests are sent: the last are often not
asked.

| language | phrase | tags |
|---|---|---|
{examples}
"""
    REPORT.write_text(text, encoding="utf-8")
    return text


def _shown(phrase: str, language: str) -> str:
    tags = derived_tags(phrase, language)
    return " · ".join(f"({one.tag})" if one.instead_of else one.tag for one in tags)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Whether tags found in a phrase bring the right picture.")
    parser.add_argument("--phrases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(report(arguments.phrases, arguments.seed))


if __name__ == "__main__":
    main()
