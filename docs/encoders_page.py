"""The page of encoders, from their profiles."""

from collections.abc import Iterator

from phrasepix.models.catalogue import PROFILES
from reranker.encoder_profile import EncoderProfile
from reranker.models.registry import registered_names, registered_profile


def encoders_page(note: str) -> str:
    """Return the page, which begins with `note`."""
    profiles = {name: profile for name in registered_names() if (profile := registered_profile(name)) is not None}
    head = [
        note,
        "# Encoders",
        "What pictures can be compared by: `--like photo.jpg --by NAME`, or `like=…, by=…`. Those that read texts rank "
        "a phrase as well: `--model NAME`. [Which one when](../which-encoder.md). `phrasepix encoders` says "
        "which are ready here, and with `--measure` how quick each is.",
        "Bytes are what is remembered of a picture, at most. All of them compare by cosine; `sift`, `akaze` and `orb` "
        "then compare the best hundred pictures point by point.",
        "| name | what | texts | bytes | licence | extra |\n|---|---|---|---:|---|---|\n"
        + "\n".join(_lines(PROFILES | profiles)),
    ]
    return "\n\n".join(head) + "\n"


def _lines(profiles: dict[str, EncoderProfile]) -> Iterator[str]:
    for name, one in profiles.items():
        title = f"[{one.title}]({one.home_url})" if one.home_url else one.title
        texts = "yes" if "texts" in one.encodes else "no"
        extra = f"`{one.extra}`" if one.extra else "–"
        yield f"| `{name}` | {title} | {texts} | {one.bytes_per_picture} | {one.licence} | {extra} |"
