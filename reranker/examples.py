"""The pictures of a query: encoded once, and left out of what is found."""

import hashlib
from collections.abc import Iterator, Sequence
from threading import Lock

import numpy as np
from PIL import Image

from phrasepix_core.candidate import Candidate
from phrasepix_core.urls import shown_url
from reranker.dedup import DuplicateDetector, fingerprint_of
from reranker.encoder import Embeddings, Encoder, checked_rows, image_tower_name, preparing
from reranker.errors import PictureError, PictureUnreachableError, WrongQueryError
from reranker.memory import EncodedPicture, EncodedPictures, Memory
from reranker.memory.picture_store import KeptPicture
from reranker.pairs import VerifiesPairs, features_of
from reranker.pictures import PictureLoader
from reranker.pictures.decode import decode
from reranker.pictures.loader import enough_for
from reranker.query import Example, Query, TaughtName
from reranker.taught_names import direction_of

_EXAMPLE = "example"
"""In the place of a source: the pictures that people gave by their addresses."""

_MOST_OTHERS, _FEWEST_OTHERS = 1000, 100
"""How many remembered pictures at most say what all pictures share; fewer than the latter are not used."""

_TO_SHOW = 640
"""The short side in pixels to which a kept file is decoded to be shown."""


def kept_example(url: str, memory: Memory) -> Image.Image | None:
    """The picture at an address that was compared with, if its file is kept: to be shown. Nothing is fetched."""
    if (kept := memory.pictures.get(_of_address(url))) is None:
        return None
    try:
        return decode(kept.data, enough=_TO_SHOW)
    except PictureError:
        return None


def _of_address(url: str) -> tuple[str, str]:
    # The address may hold a secret, and is not kept itself.
    return (_EXAMPLE, hashlib.blake2b(url.encode(), digest_size=16).hexdigest())


class Examples:
    """The examples of a query, in one encoder's space; each is encoded when it is first asked for.

    One that is a candidate's is looked up among what is `remembered`, in the process and on disk, and kept there. One
    at an address is fetched by the `loader`; its file is kept for a day, its embedding under what the file contains.
    Whoever calls the encoder has it `in_use`. `with_copies`, what looks like an example may be found: only the same
    file is left out.
    """

    def __init__(
        self,
        query: Query,
        encoder: Encoder,
        in_use: Lock,
        loader: PictureLoader,
        remembered: EncodedPictures,
        memory: Memory | None,
        *,
        with_copies: bool = False,
    ) -> None:
        self._query = query
        self._with_copies = with_copies
        self._encoder = encoder
        self._in_use = in_use
        self._loader = loader
        self._remembered = remembered
        self._memory = memory
        self._encoded: dict[int, EncodedPicture] = {}
        self._leaving = [one for one in query.examples if not one.stays]
        self._identities = {one.candidate.identity for one in self._leaving if one.candidate is not None}

    def encoded(self, example: Example) -> EncodedPicture:
        """Its embedding, and its fingerprint where there is a picture.

        Raises `WrongQueryError` where it cannot be used, and `PictureUnreachableError` where it cannot be fetched.
        """
        if id(example) not in self._encoded:
            self._encoded[id(example)] = self._known(example) or self._encode(example)
        return self._encoded[id(example)]

    def direction_of(self, name: TaughtName) -> Embeddings:
        """Return what stands for a name, float32 [d]: what is kept of it, else its pictures are encoded.

        Raises `WrongQueryError` where none of them is there any more.
        """
        tower, dimensions = image_tower_name(self._encoder), self._encoder.dimensions
        if (known := name.pictures.direction(tower, dimensions)) is not None:
            return known
        own: dict[str, Embeddings] = {}
        left_out: list[str] = []
        for example in name.pictures.examples():
            assert example.candidate is not None  # noqa: S101  # a file's, by its content
            try:
                own[example.candidate.id] = (self._known(example) or self._encode(example)).embedding
            except WrongQueryError as error:  # one that the model has no embedding of
                left_out.append(str(error))
        if not own:
            raise WrongQueryError(
                f"the name “{name.title}” cannot be used with the model {self._encoder.name}: "
                f"{left_out[0] if left_out else 'its pictures are gone or changed; teach it again by some'}"
            )
        direction = direction_of(np.stack([*own.values()]), np.array([*self._others(name, own)], dtype=np.float32))
        name.pictures.keep(tower, own, direction, left_out=tuple(left_out))
        return direction

    def _others(self, name: TaughtName, own: dict[str, Embeddings]) -> Iterator[Embeddings]:
        """What the encoder made of other pictures: those that are remembered, or else those that come with the name."""
        tower = image_tower_name(self._encoder)
        if self._memory is not None:
            remembered = self._memory.embeddings.some(tower, self._encoder.dimensions, _MOST_OTHERS)
            others = [vector for (_, number), vector in remembered.items() if number not in own]
            if len(others) >= _FEWEST_OTHERS:
                yield from others
                return
        for example in name.pictures.others():
            yield self._encode(example).embedding

    def of_wanted(self) -> list[EncodedPicture]:
        """Those that are looked for; none where a phrase is looked for too. Raises as `encoded`."""
        wanted = [part for part in self._query.wanted if isinstance(part, Example)]
        return [self.encoded(one) for one in wanted] if len(wanted) == len(self._query.wanted) else []

    def own_by_identity(self, order: Sequence[Candidate]) -> set[int]:
        """The places in an order of pictures that are examples themselves, as far as identities tell."""
        if not self._identities:
            return set()
        return {place for place, one in enumerate(order) if one.identity in self._identities}

    def own_by_looks(
        self, order: Sequence[Candidate], places: Sequence[int], detector: DuplicateDetector | None
    ) -> set[int]:
        """Those of `places` where the pictures are examples themselves, as far as their files and looks tell."""
        if detector is None:
            return set()
        own: set[int] = set()
        for example in self._leaving:
            encoded = self.encoded(example)
            if encoded.fingerprint is not None:
                there = [order[place] for place in places]
                if self._with_copies:
                    same = detector.with_file(encoded.fingerprint, there)
                else:
                    same = detector.with_picture(encoded.fingerprint, encoded.embedding, there)
                own |= {place for place, is_same in zip(places, same, strict=True) if is_same}
        return own

    def _known(self, example: Example) -> EncodedPicture | None:
        if (candidate := example.candidate) is None:
            return None
        here = self._remembered.get(candidate)
        if here is not None and (here.features is not None or not isinstance(self._encoder, VerifiesPairs)):
            return here
        return self._on_disk(candidate.identity)

    def _on_disk(self, identity: tuple[str, str]) -> EncodedPicture | None:
        if self._memory is None:
            return None
        found = self._memory.embeddings_of(self._encoder, [identity])
        if identity not in found:
            return None
        fingerprint = self._memory.fingerprints.get_many(found).get(identity)
        if not isinstance(self._encoder, VerifiesPairs):
            return EncodedPicture(found[identity], fingerprint=fingerprint)
        features = self._memory.embeddings.features(image_tower_name(self._encoder), found).get(identity)
        return None if features is None else EncodedPicture(found[identity], fingerprint=fingerprint, features=features)

    def _encode(self, example: Example) -> EncodedPicture:
        picture, candidate = example.picture, example.candidate
        if isinstance(picture, str):
            return self._at_address(picture, example.title)
        if isinstance(picture, np.ndarray):
            if picture.shape != (self._encoder.dimensions,):
                raise WrongQueryError(
                    f"the embedding of {example.title} has the shape {picture.shape}; "
                    f"{self._encoder.name} has {self._encoder.dimensions} dimensions"
                )
            return EncodedPicture(picture)
        content = b"" if candidate is None else candidate.id.encode()
        encoded = self._encoded_now(picture, content, example.title)
        if candidate is not None:
            self._remembered.put(candidate, encoded)
            self._keep(candidate.identity, encoded)
        return encoded

    def _at_address(self, url: str, title: str) -> EncodedPicture:
        data = self._file_at(url)
        identity = (_EXAMPLE, hashlib.blake2b(data, digest_size=16).hexdigest())
        if (known := self._on_disk(identity)) is not None:
            return known
        try:
            picture = decode(data, enough=enough_for(self._encoder.input_side))
        except PictureError as error:
            raise WrongQueryError(f"{shown_url(url)} is no picture to compare with: {error}") from None
        encoded = self._encoded_now(picture, data, title)
        self._keep(identity, encoded)
        return encoded

    def _file_at(self, url: str) -> bytes:
        identity = _of_address(url)
        if self._memory is not None and (kept := self._memory.pictures.get(identity)) is not None:
            return kept.data
        try:
            data = self._loader.fetch_example(url)
        except PictureUnreachableError as error:
            raise PictureUnreachableError(
                f"the picture to compare with cannot be had from {shown_url(url)}: {error}"
            ) from None
        except PictureError as error:
            raise WrongQueryError(f"{shown_url(url)} gives no picture to compare with: {error}") from None
        if self._memory is not None:
            self._memory.pictures.put_many({identity: KeptPicture(data, to_show=True)})
        return data

    def _encoded_now(self, picture: Image.Image, content: bytes, title: str) -> EncodedPicture:
        preparing_encoder = preparing(self._encoder)
        prepared = preparing_encoder.prepare_picture(picture)
        with self._in_use:
            rows = preparing_encoder.encode_prepared([prepared])
        embedding = checked_rows(self._encoder, rows, 1, "pictures")[0]
        if not np.isfinite(embedding).all():
            raise WrongQueryError(f"the model {self._encoder.name} gives no finite embedding for {title}")
        features = features_of(self._encoder, prepared)
        return EncodedPicture(embedding, fingerprint=fingerprint_of(picture, content), features=features)

    def _keep(self, identity: tuple[str, str], encoded: EncodedPicture) -> None:
        if self._memory is not None:
            self._memory.put(self._encoder, {identity: encoded})
