"""For people who build on stage 2: a double of its seam, and the contract of an encoder.

The tests of an encoder, in three lines; pytest shows each promise as a test of its own:

    @pytest.mark.parametrize(("name", "check"), encoder_checks(MyEncoder(), others=[MyEncoder("other weights")]))
    def test_the_encoder_keeps_its_promises(name, check):
        check()

or all at once, by `check_encoder(MyEncoder())`.
"""

from collections.abc import Callable, Iterable

from phrasepix_core.contracts import BrokenPromiseError
from reranker.encoder import Encoder
from reranker.testing import embedding_checks, pair_checks, profile_checks  # noqa: F401  # they state the promises
from reranker.testing.doubles import COLOURS, ColourEncoder
from reranker.testing.trial import CONTRACT, EncoderTrial

__all__ = ["COLOURS", "BrokenPromiseError", "ColourEncoder", "check_encoder", "encoder_checks"]

TOLERANCE = 1e-3
"""How far numbers of single precision may be apart; half precision is less exact by ten times."""


def encoder_checks(
    encoder: Encoder, *, others: Iterable[Encoder] = (), tolerance: float = TOLERANCE
) -> list[tuple[str, Callable[[], None]]]:
    """Return the checks of an encoder: each one's name, and a function that runs it.

    `others` are encoders that its name must tell it apart from, such as one of other weights or with other
    preprocessing, and maybe the same one loaded again. `tolerance` is how far a number of an embedding may be from
    that of the same text or picture in another batch: 1e-3 by default, 2e-2 for half precision.

    A check raises `BrokenPromiseError`, which says what was given, what came and where the promise is documented, or
    `unittest.SkipTest` if the encoder does not promise that. A few dozen pictures are encoded, some by every check.
    """
    return CONTRACT.checks(*_trial(encoder, others, tolerance))


def check_encoder(encoder: Encoder, *, others: Iterable[Encoder] = (), tolerance: float = TOLERANCE) -> dict[str, str]:
    """Run all checks of an encoder. Return those that could not tell, each name with its reason.

    Takes what `encoder_checks` takes. Raises `BrokenPromiseError` for the first promise that is not kept.
    """
    return CONTRACT.check(*_trial(encoder, others, tolerance))


def _trial(encoder: Encoder, others: Iterable[Encoder], tolerance: float) -> tuple[EncoderTrial, str]:
    if not isinstance(encoder, Encoder):
        raise TypeError(f"{encoder!r} is no reranker.Encoder: it lacks one of its members")
    return EncoderTrial(encoder, tuple(others), tolerance), f"encoder {encoder.name!r}"
