"""The figures of `benchmarks/QUERIES.md`, asked again on fewer searches and other seeds."""

import pytest

from benchmarks.queries import GOES, STAYS, Sample, dislikes, feedback, mixed, together, without


@pytest.mark.slow
def test_dislikes_go_what_is_wanted_stays_and_feedback_helps() -> None:
    sample = Sample()
    plain, *_, weighed, _, by_hand = without(sample, dislikes(sample, 150, 7))
    assert plain.gone == 0
    assert weighed.gone >= GOES - 0.03
    assert weighed.subject >= STAYS
    assert weighed.wanted >= by_hand.wanted - 0.05
    phrase, picture, total, _, built = together(sample, mixed(150, 7))
    assert built[1] > max(phrase[1], picture[1], total[1])
    before, after = feedback(sample, 150, 7)
    assert all(now > then for now, then in zip(after[1:], before[1:], strict=True))
