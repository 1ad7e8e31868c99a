"""Pictures when nothing may be sent."""

from reranker.errors import PictureUnreachableError
from reranker.pictures.fetch import PictureFetcher


class OfflineFetcher(PictureFetcher):
    """Fetches nothing and says so for each picture."""

    def fetch(self, url: str, *, loopback: bool = False) -> bytes:
        """Raise `PictureUnreachableError`; nothing is sent."""
        raise PictureUnreachableError("it is not remembered, and offline nothing is fetched")

    def fetch_object(self, url: str) -> bytes:
        """Raise `PictureUnreachableError`; nothing is sent."""
        return self.fetch(url)
