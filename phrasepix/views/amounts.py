"""Amounts as people read them."""

_KILO = 1000


def bytes_in_words(count: int) -> str:
    """Return a number of bytes in the unit that suits it: “256 bytes”, “4.3 kB”, “41 kB”, “2.1 MB”."""
    if count < _KILO:
        return f"{count} byte{'' if count == 1 else 's'}"
    amount, unit = (count / _KILO, "kB") if count < _KILO**2 else (count / _KILO**2, "MB")
    return f"{_short(amount)} {unit}"


def ms_in_words(ms: float) -> str:
    """Return a span of milliseconds: “0.4 ms”, “12 ms”, “1.3 s”."""
    return f"{_short(ms)} ms" if ms < _KILO else f"{_short(ms / _KILO)} s"


def _short(amount: float) -> str:
    return f"{amount:.1f}" if amount < 9.95 else f"{amount:.0f}"
