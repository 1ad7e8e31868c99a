"""What an encoder promises that says what it is: a profile that holds, and a plain word where it is asked for more."""

from phrasepix_core.contracts import breach, demand, nothing_to_check, shown
from phrasepix_core.text import printable
from reranker.encoder_profile import BYTES_OF_A_NUMBER, EncoderProfile, HasProfile
from reranker.errors import NoTextsError
from reranker.testing.trial import CONTRACT, TEXTS, EncoderTrial

_PROFILE = "reranker.encoder_profile.EncoderProfile"


@CONTRACT.promise("its profile holds: what it encodes, lines of text, no more bytes than it says", see=_PROFILE)
def has_a_true_profile(trial: EncoderTrial) -> None:
    """A web address as its home; an embedding alone takes four bytes a number."""
    if not isinstance(trial.encoder, HasProfile):
        nothing_to_check("it has no profile")
    profile = trial.encoder.profile
    demand(isinstance(profile, EncoderProfile), "the property profile", shown(profile))
    encodes = profile.encodes
    demand(bool(encodes) and encodes <= {"texts", "pictures"}, "profile.encodes", shown(encodes))
    for name in ("title", "metric", "licence"):
        line = getattr(profile, name)
        is_line = isinstance(line, str) and bool(line) and printable(line) == line
        demand(is_line, f"profile.{name}", shown(line))
    demand(profile.home_url.startswith(("https://", "http://")), "profile.home_url", shown(profile.home_url))
    least = BYTES_OF_A_NUMBER * trial.encoder.dimensions
    demand(
        profile.bytes_per_picture >= least,
        "profile.bytes_per_picture",
        f"{shown(profile.bytes_per_picture)}; an embedding of {trial.encoder.dimensions} numbers takes {least}",
    )


@CONTRACT.promise("one that reads no texts says so by NoTextsError", see="reranker.errors.NoTextsError")
def refuses_texts(trial: EncoderTrial) -> None:
    """Rather than giving rows that mean nothing."""
    if trial.reads_texts:
        nothing_to_check("it reads texts")
    given = f"encode_texts({list(TEXTS[:1])!r})"
    try:
        rows = trial.encoder.encode_texts(TEXTS[:1])
    except NoTextsError:
        return
    except Exception as error:
        breach(given, f"{type(error).__name__}: {error}")
    breach(given, f"{type(rows).__name__}, not NoTextsError")
