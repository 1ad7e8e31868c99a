"""Makes `format_1`, a library as the first phrasepix that had one wrote it, by pylance 9.0.0.

python -m venv /tmp/old && /tmp/old/bin/pip install pylance==9.0.0 numpy && /tmp/old/bin/python make.py

It is kept as it was written then; a change of what is written now is no reason to make it again.
"""

import json
import shutil
from datetime import date
from pathlib import Path

import lance
import numpy as np
import pyarrow as pa

HERE = Path(__file__).parent / "format_1"
DIMENSIONS = 9

schema = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False, metadata={"lance-schema:unenforced-primary-key": "true"}),
        *(pa.field(name, pa.string()) for name in ("digest", "folder", "path")),
        *(pa.field(name, pa.int64()) for name in ("size", "modified_ns")),
        pa.field("media", pa.string()),
        *(pa.field(name, pa.int32()) for name in ("width", "height")),
        pa.field("taken_on", pa.date32()),
        *(pa.field(name, pa.int32()) for name in ("taken_year", "taken_month", "taken_day")),
        pa.field("camera", pa.string()),
        pa.field("tags", pa.list_(pa.string())),
        *(pa.field(name, pa.string()) for name in ("title", "creator", "licence", "licence_url")),
        *(pa.field(name, pa.bool_()) for name in ("commercial_use", "modification")),
        pa.field("credit", pa.string()),
        pa.field("rating", pa.int32()),
        pa.field("ai_generated", pa.bool_()),
        *(pa.field(name, pa.string()) for name in ("camera_key", "creator_key")),
        pa.field("tag_keys", pa.list_(pa.string())),
        *(pa.field(name, pa.string()) for name in ("words", "facts")),
        pa.field("vector_colours", pa.list_(pa.float32(), DIMENSIONS)),
    ]
)


def row(number: int) -> dict[str, object]:
    """A picture of the year 2015 and `number`, near the axis of that number."""
    name, year, tags = f"{number}.png", 2015 + number, ["boat"] if number % 2 else []
    vector = np.full(DIMENSIONS, 0.1, np.float32)
    vector[number] = 1
    facts = {
        "width": 64, "height": 48, "title": f"Picture {number}", "creator": "Ann", "credit": "", "rights": "",
        "terms": "", "terms_url": "", "keywords": tags, "taken_on": f"{year}-12-24", "ai_generated": None,
        "camera": "EOS", "rating": number,
    }  # fmt: skip
    return {
        "key": f"file:///pictures/{name}", "digest": f"{number:024x}", "folder": "file:///pictures",
        "path": f"/pictures/{name}", "size": 1000 + number, "modified_ns": 1, "media": "photo", "width": 64,
        "height": 48, "taken_on": date(year, 12, 24), "taken_year": year, "taken_month": 12, "taken_day": 24,
        "camera": "EOS", "tags": tags, "title": f"Picture {number}", "creator": "Ann", "licence": "",
        "licence_url": "", "commercial_use": None, "modification": None, "credit": "Ann", "rating": number or None,
        "ai_generated": None, "camera_key": "eos", "creator_key": "ann", "tag_keys": tags,
        "words": f" {number} " + "".join(f"| {tag} " for tag in tags), "facts": json.dumps(facts),
        "vector_colours": (vector / np.linalg.norm(vector)).tolist(),
    }  # fmt: skip


def main() -> None:
    """Write the library, in two commits."""
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    table = str(HERE / "pictures.lance")
    lance.write_dataset(pa.Table.from_pylist([row(number) for number in range(3)], schema), table)
    lance.write_dataset(pa.Table.from_pylist([row(number) for number in range(3, 5)], schema), table, mode="append")
    encoder = {"tower": "colours", "dimensions": DIMENSIONS, "model": "colours", "pretrained": None}
    described = {
        "format": 1, "written_by": lance.__version__, "folders": ["/pictures"], "encoders": {"vector_colours": encoder},
    }  # fmt: skip
    (HERE / "library.json").write_text(json.dumps(described, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
