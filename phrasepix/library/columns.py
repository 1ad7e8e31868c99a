"""The columns of a library that people ask for by name, and what is in each."""

from typing import Final

NUMBER, DECIMAL, TEXT, TEXTS, DAY, FLAG = (
    "a whole number",
    "a number",
    "a text",
    "a list of texts",
    "a day such as 2020-01-31",
    "true or false",
)

COLUMNS: Final = {
    "digest": TEXT,
    "path": TEXT,
    "size": NUMBER,
    "media": TEXT,
    "width": NUMBER,
    "height": NUMBER,
    "taken_on": DAY,
    "taken_year": NUMBER,
    "taken_month": NUMBER,
    "taken_day": NUMBER,
    "camera": TEXT,
    "tags": TEXTS,
    "title": TEXT,
    "creator": TEXT,
    "licence": TEXT,
    "licence_url": TEXT,
    "commercial_use": FLAG,
    "modification": FLAG,
    "credit": TEXT,
    "rating": NUMBER,
    "ai_generated": FLAG,
    "frame_at": DECIMAL,
    "duration_s": DECIMAL,
    "source": TEXT,
}
SHORT_NAMES: Final = {"year": "taken_year", "month": "taken_month", "day": "taken_day"}
"""What the dictionary form of filters calls some of them too."""
