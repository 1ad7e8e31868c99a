"""What encoders have in common that read no text."""

from collections.abc import Sequence
from typing import Generic, NoReturn

from PIL import Image

from reranker.encoder import Embeddings, Prepared, PreparesPictures
from reranker.encoder_profile import EncoderProfile
from reranker.errors import NoTextsError


class PictureEncoder(PreparesPictures[Prepared], Generic[Prepared]):
    """An encoder of pictures alone: whoever derives from it prepares and encodes them."""

    def __init__(self, name: str, profile: EncoderProfile, *, dimensions: int, input_side: int) -> None:
        self.name = name
        self.profile = profile
        self.dimensions = dimensions
        self.input_side = input_side

    def encode_texts(self, texts: Sequence[str]) -> NoReturn:
        """Raise `NoTextsError`."""
        raise NoTextsError.of(self.name)

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        """One unit row a picture: float32 [len(pictures), dimensions]."""
        return self.encode_prepared([self.prepare_picture(picture) for picture in pictures])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"
