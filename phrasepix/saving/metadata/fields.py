"""What a picture file is told about itself."""

from dataclasses import dataclass
from typing import Self

from phrasepix_core.candidate import Candidate
from phrasepix_core.credit import credit_line, plain_words
from phrasepix_core.urls import lasting
from retriever.folder.profile import FOLDER

_LONGEST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditFields:
    """Plain text, each empty where nothing is known: what is no fact is not written into a file.

    `attribution` is how the creator is to be named, `rights` who has them and under which terms they are granted.
    """

    creator: str
    attribution: str
    title: str
    rights: str
    licence: str
    licence_url: str
    credit: str
    source: str
    page_url: str

    @classmethod
    def of(cls, candidate: Candidate) -> Self:
        """What a candidate says.

        The title of a picture of a folder may be its file's name, and its source is the folder: neither is written.
        """
        is_own = candidate.source == FOLDER.name
        creator, licence = plain_words(candidate.creator), plain_words(candidate.licence)
        licence_url = lasting(candidate.licence_url)
        terms = f"{licence} ({licence_url})" if licence and licence_url else licence or licence_url
        attribution = plain_words(candidate.attribution) or creator
        credit = plain_words(candidate.credit) if is_own else plain_words(credit_line(candidate), _LONGEST)
        return cls(
            creator=creator,
            attribution=attribution,
            title="" if is_own else plain_words(candidate.title),
            rights=", ".join(part for part in (attribution, terms) if part) if terms else "",
            licence=licence,
            licence_url=licence_url,
            credit=credit,
            source="" if is_own else plain_words(candidate.source),
            page_url=lasting(candidate.page_url),
        )
