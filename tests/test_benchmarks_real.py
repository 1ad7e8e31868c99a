"""The measure on real data: its figures, and that the goals on real vectors are held."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.real.figures import Figure, interval

CLIP = Path(__file__).parents[2] / "shared" / "real_clip"
needs_real_vectors = pytest.mark.skipif(not CLIP.is_dir(), reason=f"there are no real vectors in {CLIP}")


def test_an_interval_is_around_the_mean_and_of_weighted_values_around_theirs() -> None:
    figure = interval("share", [0.0, 1.0] * 50)
    assert figure.value == 0.5
    assert 0.38 < figure.low < 0.42
    assert 0.58 < figure.high < 0.62
    assert interval("share", [1.0, 0.0], [3.0, 1.0]).value == 0.75
    assert Figure("a", 0.5, 0.25, 0.75).line == "a 0.5000 0.2500 0.7500"


@needs_real_vectors
def test_on_real_vectors_the_disliked_goes_and_the_wanted_stays() -> None:
    from benchmarks.real.minus import measured

    figures = {one.name: one.value for one in measured(CLIP).figures}
    assert figures["minus_gone"] >= 0.85
    assert figures["minus_wanted"] >= 0.82


@needs_real_vectors
def test_on_real_vectors_a_search_says_when_nothing_fits() -> None:
    from benchmarks.real.clip_set import ClipSet
    from benchmarks.real.scores import nothing
    from benchmarks.real.searches import Searches
    from reranker.families import LIMITS

    pairs = nothing(Searches(ClipSet(CLIP)), seeds=1)
    fair = LIMITS["clip"].fair
    assert np.mean([one.absent < fair for one in pairs]) >= 0.65
    assert np.mean([one.present < fair for one in pairs]) <= 0.06
