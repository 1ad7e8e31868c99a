"""Web addresses: which hosts are public, which are this machine, what may be shown, where a redirect leads."""

import re
import unicodedata
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_network
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from phrasepix_core.text import printable

Address = IPv4Address | IPv6Address

_DOTS = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": "."})
"""What IDNA reads as a dot."""
_NOT_IN_A_HOST = re.compile(r"[\x00-\x20\x7f#/<>?@\[\\\]^|%]")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")
_LOOPBACK_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")
_PRIVATE_ENDINGS = frozenset(
    {"corp", "home", "home.arpa", "internal", "intranet", "lan", "local", "localdomain", "private"}
)
"""Names below these are those of a network of one's own (RFC 6762, appendix G; RFC 8375; ICANN's .internal)."""
_TRANSLATED = ip_network("64:ff9b::/96")
"""How a network without IPv4 writes IPv4 addresses (NAT64)."""
_UNICAST = ip_network("2000::/3")
"""All of IPv6 that is handed out for the internet."""
_LONGEST_SHOWN = 300


@lru_cache(maxsize=256)
def host_address(host: str) -> Address | None:
    """The IP address that `host` is, in any spelling that a browser or an operating system takes; None for a name.

    Such are decimal, octal, hexadecimal and short ones (`2130706433`, `0x7f.1`), a dot at the end, digits of other
    widths, percent escapes, brackets, a zone, and the names of this machine. Raises `ValueError` if it is no host.
    """
    host = unquote(host.strip("[]").partition("%25")[0])
    if ":" in host:
        return IPv6Address(host.partition("%")[0])
    host = unicodedata.normalize("NFKC", host).translate(_DOTS).casefold()
    host = "".join(character for character in host if unicodedata.category(character) != "Cf").rstrip(".")
    if not host or _NOT_IN_A_HOST.search(host):
        raise ValueError("not a host")
    if host in _LOOPBACK_NAMES or host.endswith(".localhost"):
        return IPv4Address("127.0.0.1")
    parts = host.split(".")
    return _numeric(parts) if _NUMBER.fullmatch(parts[-1]) else None


def _numeric(parts: list[str]) -> IPv4Address:
    """The address that one to four numbers are: the last one fills all bytes that are left."""
    if len(parts) > 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        raise ValueError("not an address")
    *high, last = [_number(part) for part in parts]
    if any(number > 255 for number in high) or last >= 256 ** (4 - len(high)):
        raise ValueError("not an address")
    return IPv4Address(sum(number << (8 * (3 - index)) for index, number in enumerate(high)) + last)


def _number(text: str) -> int:
    if text[:2] in ("0x", "0X"):
        return int(text[2:] or "0", 16)
    return int(text, 8 if text.startswith("0") else 10)


def carried_address(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, if it does; else itself."""
    if isinstance(address, IPv6Address):
        if address in _TRANSLATED:
            return IPv4Address(address.packed[-4:])
        return address.ipv4_mapped or address.sixtofour or address
    return address


def is_public_address(address: Address) -> bool:
    """Whether an address is one of the internet, and none of a network of one's own or of this machine."""
    address = carried_address(address)
    return address.is_global and not address.is_multicast and (address.version == 4 or address in _UNICAST)


@lru_cache(maxsize=256)
def is_public_host(host: str) -> bool:
    """Whether a host may be one of the internet: a public address, or a name that is none of a network of one's own."""
    try:
        address = host_address(host)
    except ValueError:
        return False
    if address is not None:
        return is_public_address(address)
    labels = unicodedata.normalize("NFKC", unquote(host)).translate(_DOTS).casefold().rstrip(".").split(".")
    return len(labels) > 1 and not {labels[-1], ".".join(labels[-2:])} & _PRIVATE_ENDINGS


def is_on_this_machine(url: str) -> bool:
    """Whether `url` names a loopback address, or localhost. False if it is no address at all."""
    try:
        address = host_address(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return address is not None and carried_address(address).is_loopback


@lru_cache(maxsize=1024)
def is_public(url: str) -> bool:
    """Whether `url` is a web address on the internet, to a browser as well as to us."""
    parts = _web_address(url)
    return parts is not None and is_public_host(parts.hostname or "")


def is_web_address(url: str) -> bool:
    """Whether `url` is an address of the web that browsers and we read alike, wherever it leads."""
    parts = _web_address(url)
    return parts is not None and bool(parts.hostname) and url.isprintable() and " " not in url


def lasting(url: str) -> str:
    """`url` if it is a web address that outlives the search and that anybody may be sent to, else an empty text.

    A page on this machine (the sample's) is gone with the search, one in a network of one's own is not a stranger's to
    name, and another scheme never becomes a link.
    """
    return url if is_public(url) else ""


def _web_address(url: str) -> SplitResult | None:
    found = re.match(r"https?://([^/?#]+)", url)
    # A browser reads a backslash as a slash, and skips what is not printable: it would ask another host than we see.
    if found is None or not found[1].isprintable() or re.search(r"[\s\\]", found[1]):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is none
    except ValueError:
        return None
    return parts


def redirect_target(url: str, location: str) -> str:
    """Where the `Location` of an answer from `url` leads, read as browsers do.

    `location` is as HTTP libraries give it, each byte a character: bytes of UTF-8 become the characters they mean.
    Raises `ValueError` if it is no address.
    """
    with suppress(UnicodeError):  # it is Latin-1, or was decoded already
        location = location.encode("latin-1").decode("utf-8")
    location = re.sub(r"[\t\r\n]", "", location.strip(" \t\r\n\x00"))
    path, mark, query = location.partition("?")
    return urljoin(url, path.replace("\\", "/") + mark + query)


def is_within_origin(url: str, target: str) -> bool:
    """Whether `target` is of the same scheme, host and port as `url`, or the same host's by https instead of http."""
    ours, theirs = urlsplit(url), urlsplit(target)
    if (ours.hostname or "").rstrip(".") != (theirs.hostname or "").rstrip("."):
        return False
    if (ours.scheme, _port(ours)) == (theirs.scheme, _port(theirs)):
        return True
    # An upgrade goes to the same port, or from the usual one to the usual one.
    ports = (_port(ours), _port(theirs))
    return (ours.scheme, theirs.scheme) == ("http", "https") and (ports[0] == ports[1] or ports == (80, 443))


def _port(parts: SplitResult) -> int | None:
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def shown_url(url: str) -> str:
    """The URL without what may carry a secret (its query, its user and password) or steer a terminal, in one line."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return repr(url[:80])
    host = parts.netloc.rpartition("@")[2]
    if not host:
        return repr(url[:80])
    shown = printable(f"{parts.scheme}://{host}{parts.path}")
    return shown if len(shown) <= _LONGEST_SHOWN else shown[:_LONGEST_SHOWN] + "…"
