"""Whether the language of a phrase is found out, and what that takes: `python -m benchmarks.language_detection`.

Writes `benchmarks/LANGUAGE_DETECTION.md`.
"""

import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.language_phrases import ENGLISH, OTHERS, phrases
from phrasepix.tags import language_of
from retriever.languages import LANGUAGES

REPORT = Path(__file__).with_name("LANGUAGE_DETECTION.md")
_TIMED = """
import sys, time
import numpy
from phrasepix.tags import language_of
started = time.perf_counter()
language_of(sys.argv[1])
print(time.perf_counter() - started)
"""
_EXAMPLES = ("a tiger playing in the snow", "ein Tiger spielt im Schnee", "тигр играет в снегу")


def report(runs: int = 5) -> str:
    """Measure and write the report; returns it."""
    rows, all_right, all_asked = [], 0, 0
    for language, text in {"en": ENGLISH, **OTHERS}.items():
        asked = phrases(text)
        found = {phrase: language_of(phrase) for phrase in asked}
        right = sum(one == language for one in found.values())
        missed = "; ".join(f"{phrase} ({one})" for phrase, one in found.items() if one != language)
        rows.append(f"| {LANGUAGES[language]} | {len(asked)} | {right} | {missed} |")
        if language != "en":
            all_right, all_asked = all_right + right, all_asked + len(asked)
    times = "\n".join(f"| {phrase} | {_seconds(phrase, runs):.2f} |" for phrase in _EXAMPLES)
    table = "\n".join(rows)
    text = f"""# Whether the language of a phrase is found out

`python -m benchmarks.language_detection`

No pictures: phrases written by us. Sentences of real people in other languages were not at hand.

Phrases of one to seven words (`benchmarks/language_phrases.py`), written after the rules were. What is not clear is
taken for English (en). Of all that are not English, {all_right} of {all_asked} are told.

| language | phrases | right | not |
|---|---:|---:|---|
{table}

## What it takes

In a fresh process, the dictionary and the detector's model included where they are needed; the median of {runs}. An
English phrase needs its dictionary for its tags anyway, and the detector is not loaded. With a tag that is given in
ASCII letters nothing of this happens.

| phrase | seconds |
|---|---:|
{times}
"""
    REPORT.write_text(text, encoding="utf-8")
    return text


def _seconds(phrase: str, runs: int) -> float:
    command = [sys.executable, "-c", _TIMED, phrase]
    done = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(runs)]
    return statistics.median(map(float, done))


if __name__ == "__main__":
    print(report())
