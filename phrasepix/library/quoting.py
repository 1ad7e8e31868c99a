"""Values as they stand in the SQL of Lance."""

from collections.abc import Iterable


def quoted(text: str) -> str:
    """Return a text as a literal; the quote is the only character that ends one."""
    return "'" + text.replace("'", "''") + "'"


def one_of(column: str, values: Iterable[str]) -> str:
    """Return the condition that a column has one of the values, of which there is at least one."""
    return f"{column} IN ({', '.join(quoted(value) for value in values)})"
