"""Creative Commons' licences: which there are, what they are called, and where their deeds stand.

See https://creativecommons.org/share-your-work/cclicenses/.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_HOST = "creativecommons.org"
_VERSIONS = ("4.0", "3.0", "2.5", "2.1", "2.0", "1.0")
_KINDS = frozenset({"by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd"})
_PORTS = {
    "1.0": "fi il nl",
    "2.0": "at au be br ca cl de es fr hr it jp kr nl pl tw uk za",
    "2.1": "au es jp",
    "2.5": "ar au bg br ca ch cn co dk es hr hu il in it mk mt mx my nl pe pl pt scotland se si tw za",
    "3.0": "am at au az br ch cl cn cr cz de ec ee eg es fr ge gr gt hk hr ie igo it lu nl no nz ph pl pr pt ro rs sg "
    "th tw ug us ve vn za",
    "4.0": "",
}
"""The jurisdictions that each version was ported to. 2.1 has no licence but those."""
_COUNTRIES = {
    "argentina": "ar", "armenia": "am", "australia": "au", "austria": "at", "azerbaijan": "az", "belgium": "be",
    "brazil": "br", "bulgaria": "bg", "canada": "ca", "chile": "cl", "china mainland": "cn", "colombia": "co",
    "costa rica": "cr", "croatia": "hr", "czech republic": "cz", "denmark": "dk", "ecuador": "ec", "egypt": "eg",
    "england and wales": "uk", "estonia": "ee", "finland": "fi", "france": "fr", "georgia": "ge", "germany": "de",
    "greece": "gr", "guatemala": "gt", "hong kong": "hk", "hungary": "hu", "india": "in", "ireland": "ie",
    "israel": "il", "italy": "it", "japan": "jp", "korea": "kr", "south korea": "kr", "luxembourg": "lu",
    "macedonia": "mk", "malaysia": "my", "malta": "mt", "mexico": "mx", "netherlands": "nl", "new zealand": "nz",
    "norway": "no", "peru": "pe", "philippines": "ph", "poland": "pl", "portugal": "pt", "puerto rico": "pr",
    "romania": "ro", "scotland": "scotland", "serbia": "rs", "singapore": "sg", "slovenia": "si",
    "south africa": "za", "spain": "es", "sweden": "se", "switzerland": "ch", "taiwan": "tw", "thailand": "th",
    "uganda": "ug", "united states": "us", "venezuela": "ve", "vietnam": "vn", "igo": "igo",
    "intergovernmental organisation": "igo", "intergovernmental organization": "igo",
}  # fmt: skip
"""The jurisdictions by the names that stand in the titles of deeds."""

_SHORT_WORDS = (
    (re.compile(r"\bcreative[ -]commons\b"), "cc"),
    (re.compile(r"\battribution\b"), "by"),
    (re.compile(r"\bnon[ -]?commercial\b"), "nc"),
    (re.compile(r"\bshare[ -]?alike\b"), "sa"),
    (re.compile(r"\bno[ -]?deriv(?:ative[ -]works?|atives?|s)?\b"), "nd"),
)
_NAME = re.compile(
    r"(?:this (?:work|image|picture|photo(?:graph)?) is licensed under (?:an?|the) )?"
    r"(?P<cc>cc[ :_-]*)?(?P<kind>by(?:[ /_-]+(?:nc|nd|sa))*)"
    r"(?:[ _-]+v?(?P<versions>\d\.\d(?:(?:, ?|/| and | & )\d\.\d)*))?"
    r"(?:[ _-]+(?P<place>[a-z][a-z ]*))?"
)
_AT_THE_END = re.compile(r"(?: (?:public )?licen[sc]e)?\.?$")
_UNPORTED = frozenset({"", "unported", "international", "generic"})
_TAIL = re.compile(r"(?:deed|legalcode)(?:[.-][a-z]{2,3}(?:[_-][a-z]+)*)?(?:\.txt|\.html)?|rdf", re.IGNORECASE)
_CC0 = re.compile(
    r"cc[ _-]?(?:0|zero)(?:[ _-]1\.0)?(?: universal)?(?: \(cc0 1\.0\))?(?: public domain dedication)?(?: licen[sc]e)?"
)
_MARK = re.compile(r"(?:cc[ _-])?(?:pdm|public domain mark)(?:[ _-]1\.0)?")


@dataclass(frozen=True, slots=True)
class Terms:
    """A licence of Creative Commons.

    `kind` is as in a deed's address (by-nc-sa), or cc0 or pdm. `versions` are those offered, the first one first; none
    where that is not said. `jurisdiction` is that of a ported licence, empty for all others.
    """

    kind: str
    versions: tuple[str, ...] = ()
    jurisdiction: str = ""

    @property
    def name(self) -> str:
        """The short name, such as CC BY-SA 3.0 DE."""
        if self.kind in _PUBLIC:
            return _PUBLIC[self.kind][0]
        parts = (f"CC {self.kind.upper()}", ",".join(self.versions), self.jurisdiction.upper())
        return " ".join(part for part in parts if part)

    @property
    def deed(self) -> str:
        """The address of the deed, of the first version where several are offered; empty where none is said."""
        if self.kind in _PUBLIC:
            return f"https://{_HOST}/publicdomain/{_PUBLIC[self.kind][1]}/1.0/"
        if not self.versions:
            return ""
        version = self.versions[0]
        kind = "by-nd-nc" if (self.kind, version) == ("by-nc-nd", "1.0") else self.kind
        return (
            "/".join(part for part in (f"https://{_HOST}/licenses", kind, version, self.jurisdiction, "") if part) + "/"
        )


_PUBLIC = {"cc0": ("CC0 1.0", "zero"), "pdm": ("Public Domain Mark 1.0", "mark")}


def terms_of(kind: str, versions: tuple[str, ...] = (), jurisdiction: str = "") -> Terms | None:
    """The licence, its parts in any order and case; None where Creative Commons has no such licence."""
    kind, jurisdiction = kind.lower(), jurisdiction.lower()
    if kind in _PUBLIC:
        return Terms(kind, ("1.0",)) if set(versions) <= {"1.0"} and not jurisdiction else None
    parts = kind.split("-")
    ordered = "-".join(part for part in ("by", "nc", "nd", "sa") if part in parts)
    if len(set(parts)) != len(parts) or len(ordered) != len(kind) or ordered not in _KINDS:
        return None
    for version in versions:
        if version not in _VERSIONS or (jurisdiction and jurisdiction not in _PORTS[version].split()):
            return None
        if version == "2.1" and not jurisdiction:
            return None
    return Terms(ordered, versions, jurisdiction) if versions or not jurisdiction else None


def terms_named(name: str) -> Terms | None:
    """The licence of a `name` that says it and nothing else, in short (CC BY 4.0) or in full; None for all others."""
    words = " ".join(name.casefold().replace("\N{EM DASH}", "-").split())
    if _CC0.fullmatch(words) or words == "creative commons zero":
        return terms_of("cc0")
    if _MARK.fullmatch(words):
        return terms_of("pdm")
    if twice := re.fullmatch(r"(.+?) \((cc[^()]*)\)(?: licen[sc]e)?|(.+) - (cc .*)", words):
        one, other = terms_named(twice[1] or twice[3]), terms_named(twice[2] or twice[4])
        return one if one == other else None
    is_in_full = "attribution" in words
    for pattern, short in _SHORT_WORDS:
        words = pattern.sub(short, words)
    match = _NAME.fullmatch(_AT_THE_END.sub("", words, count=1))
    if match is None or not (match["cc"] or (is_in_full and match["versions"])):
        return None
    versions = tuple(re.findall(r"\d\.\d", match["versions"] or ""))
    place = match["place"] or ""
    jurisdiction = "" if place in _UNPORTED else _COUNTRIES.get(place, place)
    if jurisdiction and len(versions) != 1:
        return None
    return terms_of(re.sub(r"[ /_-]+", "-", match["kind"]), versions, jurisdiction)


def terms_at(url: str) -> Terms | None:
    """The licence whose deed or legal code stands at `url`, in whichever language; None for every other address."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url.removeprefix('//')}")
        host = parts.hostname or ""
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or host.removeprefix("www.") != _HOST:
        return None
    match [one for one in parts.path.lower().split("/") if one]:
        case ["licenses" | "licences", kind, version, *more]:
            pass
        case ["publicdomain", "zero" | "mark" as what, "1.0" as version, *more]:
            kind = "cc0" if what == "zero" else "pdm"
        case _:
            return None
    if kind in _PUBLIC and parts.path.lower().lstrip("/").startswith("licen"):
        return None
    if more and _TAIL.fullmatch(more[-1]):
        more.pop()
    return terms_of(kind, (version,), "".join(more)) if len(more) <= 1 else None
