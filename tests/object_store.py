"""A store of the S3 kind on loopback, moto's server in a process of its own: `python -m tests.object_store`."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from phrasepix_core.s3_access import S3Access
from reranker.pictures.objects import store_of

ROOT = Path(__file__).parents[1]
KEY_ID, SECRET = "AKIAOFTHETESTS", "nobody-sees-this-secret"


class ObjectStore:
    """The store at an endpoint, as whoever fills it sees it."""

    def __init__(self, endpoint: str) -> None:
        self.access = S3Access(endpoint=endpoint, region="us-east-1", key_id=KEY_ID, secret=SECRET)
        self.environment = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self._client = store_of(self.access, "")

    def make_bucket(self, name: str) -> None:
        """Make a bucket."""
        from pyarrow import fs

        client = fs.S3FileSystem(
            access_key=KEY_ID,
            secret_key=SECRET,
            region="us-east-1",
            endpoint_override=self.access.endpoint,
            allow_bucket_creation=True,
        )
        client.create_dir(name)

    def put(self, path: str, data: bytes) -> None:
        """Write an object at `bucket/key`."""
        with self._client.open_output_stream(path) as stream:
            stream.write(data)

    def delete(self, path: str) -> None:
        """Delete an object."""
        self._client.delete_file(path)

    def paths(self, below: str) -> list[str]:
        """The paths of all objects below one."""
        from pyarrow import fs

        found: Any = self._client.get_file_info(fs.FileSelector(below, recursive=True, allow_not_found=True))
        return sorted(one.path for one in found if one.is_file)


@contextmanager
def serving() -> Iterator[ObjectStore]:
    """Start the server; it ends with the context."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.object_store"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout is not None
        try:
            yield ObjectStore(process.stdout.readline().strip())
        finally:
            process.kill()


def main() -> None:
    """Serve until whoever started it is gone."""
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    print(f"http://{host}:{port}", flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
