"""Draw the built-in sample's pictures and their catalogue: `python -m training.draw_sample`.

Writes `<out>/<id>.jpg` (640 pixels on the long side) and `<out>/catalogue.jsonl`, one picture a line, ids ascending.
Files of an earlier drawing that are no longer part of the sample are removed.
"""

import argparse
import io
import json
from dataclasses import asdict
from pathlib import Path

from training.scenes import SIZES, full_size
from training.scenes.shipped import listing_of, scene_of_picture, shipped_scenes

BUDGET = 14_500_000
"""Bytes that all pictures together may take."""
QUALITY = 60
CREATOR = "phrasepix"
CREATOR_ID = 1


def picture_bytes(number: int) -> bytes:
    """The JPEG of a shipped picture, progressive and optimised."""
    packed = io.BytesIO()
    full_size(scene_of_picture(number)).save(packed, "JPEG", quality=QUALITY, progressive=True, optimize=True)
    return packed.getvalue()


def catalogue_line(number: int) -> dict[str, object]:
    """The catalogue's object for a shipped picture."""
    width, height = SIZES[scene_of_picture(number).shape]
    listing = asdict(listing_of(number))
    line: dict[str, object] = {"id": number, "file": f"{number}.jpg"}
    for key in ("type", "tags", "category", "colors"):
        line[key] = listing.pop(key)
    return {**line, "width": width, "height": height, "user": CREATOR, "user_id": CREATOR_ID, **listing}


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)


def main() -> None:
    """Draw everything; raises `SystemExit` with a message when the pictures grow over their budget."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path("phrasepix/sample/pictures"))
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    total = 0
    for number in shipped_scenes():
        data = picture_bytes(number)
        total += len(data)
        _write(out / f"{number}.jpg", data)
    lines = [json.dumps(catalogue_line(number), ensure_ascii=False) for number in shipped_scenes()]
    _write(out / "catalogue.jsonl", ("\n".join(lines) + "\n").encode())
    for stale in set(out.glob("*.jpg")) - {out / f"{number}.jpg" for number in shipped_scenes()}:
        stale.unlink()
    print(f"{len(lines)} pictures, {total / 1e6:.2f} MB")
    if total > BUDGET:
        raise SystemExit(f"the pictures take {total} bytes, {total - BUDGET} too many: lower QUALITY")


if __name__ == "__main__":
    main()
