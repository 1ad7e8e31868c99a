"""Under which terms a picture may be used.

A licence is recognised only where a source's field for licences says one and nothing else. What is not recognised keeps
its name and allows nothing. A copyright notice, or a person's name, never comes here.
"""

import re
from dataclasses import dataclass

from phrasepix_core.creative_commons import Terms, terms_at, terms_named, terms_of


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence by its `name` and deed (`url`), and what it says of the three things a writer asks.

    `commercial` and `modification` say whether such use is allowed, `credit_owed` whether the creator must be named;
    None where that is not known. `name` and `url` are empty where the source does not say them.
    """

    name: str = ""
    url: str = ""
    commercial: bool | None = None
    modification: bool | None = None
    credit_owed: bool | None = True


UNKNOWN = Licence(credit_owed=None)
"""Where nothing is said."""

_PUBLIC_DOMAIN = re.compile(r"(?:in the )?public[ -]domain(?: dedication)?|pd", re.IGNORECASE)
_OTHERS = (
    (
        re.compile(
            r"(?:gfdl|gnu[ -]fdl|gnu free documentation licen[sc]e)"
            r"(?:[ -,]*(?:version )?v?(?P<version>1\.[123]))?(?:[ -]or[ -]later|[ -]only|\+)?",
            re.IGNORECASE,
        ),
        {
            "1.1": "https://www.gnu.org/licenses/old-licenses/fdl-1.1.html",
            "1.2": "https://www.gnu.org/licenses/old-licenses/fdl-1.2.html",
            "1.3": "https://www.gnu.org/licenses/fdl-1.3.html",
        },
    ),
    (
        re.compile(r"(?:fal|free art licen[sc]e)(?:[ -]v?(?P<version>1\.3))?", re.IGNORECASE),
        {"1.3": "https://artlibre.org/licence/lal/en/"},
    ),
    (
        re.compile(r"(?:ogl|open government licen[sc]e)[ -]v?(?P<version>[123])(?:\.0)?", re.IGNORECASE),
        {
            number: f"https://www.nationalarchives.gov.uk/doc/open-government-licence/version/{number}/"
            for number in ("1", "2", "3")
        },
    ),
)
"""Licences of others that ask for a credit and allow all else, and where each version stands."""


def creative_commons(kind: str, version: str, jurisdiction: str = "") -> Licence | None:
    """The licence Creative Commons calls `kind` (by-nc-sa, cc0, pdm, …); None where it has no such licence."""
    terms = terms_of(kind, (version,) if version else (), jurisdiction)
    return None if terms is None else _licence(terms)


def licence_named(name: str, url: str = "") -> Licence:
    """The licence a source names in words, such as “CC BY-SA 4.0” or “Public domain”, or by the address of its deed.

    One that is not recognised keeps its name and address and says of nothing that it is allowed; its credit counts as
    owed. So does one whose name and address say different things. No address is given but `url` or a known deed.
    """
    words = " ".join(name.split())
    if not words and not url:
        return UNKNOWN
    at = terms_at(url) if url else None
    named = terms_named(words) or terms_at(words)
    if named is None and not words:
        return Licence(url=url) if at is None else _licence(at)
    if named is not None:
        if at is None:
            return _licence(named)
        if at.kind != named.kind:
            return Licence(words, url)
        is_more_exact = not named.versions or at.versions == named.versions  # it may name a jurisdiction too
        return _licence(at if is_more_exact else named)
    if _PUBLIC_DOMAIN.fullmatch(words):
        return (
            Licence(words, url, True, True, False) if at is None or at.kind in {"cc0", "pdm"} else Licence(words, url)
        )
    for pattern, addresses in _OTHERS:
        if (match := pattern.fullmatch(words)) and at is None:
            return Licence(words, url or addresses.get(match["version"] or "", ""), True, True, True)
    return Licence(words, url)


def _licence(terms: Terms) -> Licence:
    parts = terms.kind.split("-")
    return Licence(
        terms.name,
        terms.deed,
        commercial="nc" not in parts,
        modification="nd" not in parts,
        credit_owed=terms.kind not in {"cc0", "pdm"},
    )


def is_creative_commons(name: str, url: str = "") -> bool:
    """Whether the licence asks for the credit that Creative Commons recommends; so may what is in the public domain."""
    return bool(terms_named(name) or terms_at(url) or _PUBLIC_DOMAIN.fullmatch(name.strip()))


CC0 = _licence(Terms("cc0", ("1.0",)))
