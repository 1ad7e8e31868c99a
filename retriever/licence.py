"""Under which terms a picture may be used."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence by its `name` and deed (`url`), and what it says of the three things a writer asks.

    `commercial` and `modification` say whether such use is allowed; None where that is not known.
    """

    name: str
    url: str = ""
    commercial: bool | None = None
    modification: bool | None = None
    credit_owed: bool = True


CC0 = Licence("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/", True, True, False)
PUBLIC_DOMAIN_MARK = Licence(
    "Public Domain Mark 1.0", "https://creativecommons.org/publicdomain/mark/1.0/", True, True, False
)

_KINDS = frozenset({"by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd"})
_SHORT_NAME = re.compile(r"CC[ -]?(BY(?:-(?:NC|ND|SA)){0,2})[ -](\d\.\d)(?:[ -]([A-Z]{2,}))?", re.IGNORECASE)


def creative_commons(kind: str, version: str, jurisdiction: str = "") -> Licence | None:
    """The licence Creative Commons calls `kind` (by-nc-sa, cc0, pdm, …); None where it knows no such kind.

    See https://creativecommons.org/share-your-work/cclicenses/.
    """
    kind = kind.lower()
    if kind in {"cc0", "pdm"}:
        return CC0 if kind == "cc0" else PUBLIC_DOMAIN_MARK
    if kind not in _KINDS:
        return None
    ported = f" {jurisdiction.upper()}" if jurisdiction else ""
    path = "/".join(part for part in (kind, version, jurisdiction.lower()) if part)
    return Licence(
        f"CC {kind.upper()} {version}".strip() + ported,
        f"https://creativecommons.org/licenses/{path}/",
        commercial="nc" not in kind.split("-"),
        modification="nd" not in kind.split("-"),
        credit_owed=True,
    )


def licence_named(name: str, url: str = "") -> Licence:
    """The licence a source names in words, such as “CC BY-SA 4.0” or “Public domain”.

    One that is not recognised keeps its name and says of nothing that it is allowed; its credit counts as owed.
    """
    words = " ".join(name.split())
    if match := _SHORT_NAME.fullmatch(words):
        known = creative_commons(match[1], match[2], match[3] or "")
        if known is not None:
            return known
    if re.fullmatch(r"CC[ -]?0(?: 1\.0)?|CC[ -]zero", words, re.IGNORECASE):
        return CC0
    if re.match(r"public domain|PDM?\b", words, re.IGNORECASE):
        return Licence(words, url or PUBLIC_DOMAIN_MARK.url, True, True, False)
    return Licence(words, url)
