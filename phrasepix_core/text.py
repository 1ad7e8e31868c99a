"""Text from strangers, made fit to show."""


def printable(text: str) -> str:
    """`text` without what could steer a terminal or cannot be written as UTF-8 (half a surrogate pair)."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())
