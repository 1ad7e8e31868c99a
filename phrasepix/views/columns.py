"""The columns of what is written to a pipe, tab-separated; new ones are added at the end."""

MATCHES = (
    "rank",
    "score",
    "picture",
    "page",
    "file",
    "tags",
    "creator",
    "alike",
    "penalty",
    "stands_out",
    "fit",
    "path",
    "nearness",
    "bonus",
)
SOURCES = ("name", "title", "ready", "key", "limits", "credit", "hotlinking", "on_download", "remedy")
ENCODERS = ("name", "title", "texts", "bytes", "licence", "extra", "weights", "pictures_per_s", "home", "remedy")
COMPARISONS = (
    "encoder",
    "rank",
    "score",
    "picture",
    "page",
    "path",
    "points",
    "rows",
    "ms_per_picture",
    "bytes_per_picture",
    "problem",
)
LIBRARIES = ("name", "pictures", "folders", "models", "bytes", "path", "problem", "seen")
DUPLICATES = ("group", "verdict", "path", "why")
NAMES = ("name", "pictures", "encoders")
KEPT = ("kept", "of", "how_many", "bytes", "path")


def header(columns: tuple[str, ...]) -> str:
    """The names of the columns as a line of their own."""
    return "\t".join(columns) + "\n"
