"""Requests made of the API's description, sent to the real server: no answer of status 500, none that takes a minute.

`python -m benchmarks.serve_fuzz` sends some thousands and prints the statuses; it fails if there is a fault. What the
sources are asked goes to the sample's stock site on loopback, and nothing leaves the machine.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from phrasepix.sample.site import StockSite
from tests.made_requests import Fuzz
from tests.serve_process import ServeProcess

SEARCH = {"phrase": "two red boats at night", "tag": "boat", "source": "sample", "top": 3}


def main() -> None:
    """Send them, and say what came back."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=180, help="requests to each operation, right and wrong ones")
    parser.add_argument("--cache", type=Path, help="a cache directory with the sample's exported model")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, StockSite(requests_per_minute=1_000_000) as site:
        environment = {
            "PIXABAY_API_URL": site.api_url,
            "PIXABAY_API_KEY": site.key,
            "OPENVERSE_API_URL": "http://127.0.0.1:9/",
            "COMMONS_API_URL": "http://127.0.0.1:9/",
            "PEXELS_API_URL": "http://127.0.0.1:9/",
            "UNSPLASH_API_URL": "http://127.0.0.1:9/",
            "HF_HUB_OFFLINE": "1",
            "PHRASEPIX_CACHE_DIR": str(options.cache or Path(place, "cache")),
        }
        began = time.perf_counter()
        with ServeProcess(Path(place, "root"), os.environ | environment) as server:
            known = {"search_id": server.post("/api/v1/search", SEARCH)["id"]}
            fuzz = Fuzz(server, options.count, known)
            fuzz.run()
            said = server.said
    print(f"{fuzz.sent} requests in {time.perf_counter() - began:.0f} s")
    for status, count in sorted(fuzz.statuses.items()):
        print(f"{status}: {count}")
    for fault in fuzz.faults[:20]:
        print(fault, file=sys.stderr)
    print(f"{len(fuzz.faults)} faults", *(["the server said:", said[-4000:]] if fuzz.faults else []), sep="\n")
    sys.exit(bool(fuzz.faults))


if __name__ == "__main__":
    main()
