"""What a picture file is told about itself."""

from dataclasses import dataclass
from typing import Self

from phrasepix_core.urls import lasting
from retriever.candidate import Candidate
from retriever.credit import credit_line, plain_words

_LONGEST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditFields:
    """Plain text, each empty where nothing is known."""

    creator: str
    title: str
    rights: str
    licence: str
    licence_url: str
    credit: str
    source: str
    page_url: str

    @classmethod
    def of(cls, candidate: Candidate) -> Self:
        """What a candidate says."""
        creator, licence = plain_words(candidate.creator), plain_words(candidate.licence)
        licence_url = lasting(candidate.licence_url)
        terms = f"{licence} ({licence_url})" if licence and licence_url else licence
        return cls(
            creator=creator,
            title=plain_words(candidate.title),
            rights=", ".join(part for part in (creator, terms) if part),
            licence=licence,
            licence_url=licence_url,
            credit=plain_words(credit_line(candidate), _LONGEST),
            source=plain_words(candidate.source),
            page_url=lasting(candidate.page_url),
        )
