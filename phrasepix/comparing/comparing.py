"""The comparison itself: each encoder is asked in turn, and one that fails does not end the others."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from PIL import Image

from phrasepix.comparing.comparison import EncoderRow, KeyPointPair
from phrasepix.comparing.live_comparison import LiveComparison
from phrasepix.comparing.request import CompareRequest, NamedEncoder
from phrasepix.events import Event, Listener, ignore
from phrasepix.finder import Finder
from phrasepix.live_results import LiveMatch, LiveResults
from phrasepix.models.catalogue import choose_model, profile_named
from phrasepix_core.errors import PhrasepixError
from reranker.encoder import Encoder, preparing
from reranker.encoder_profile import BYTES_OF_A_NUMBER, EncoderProfile, HasProfile
from reranker.errors import EncoderFaultError, ModelError, RerankerError
from reranker.examples import kept_example
from reranker.key_points import key_points_of
from reranker.models.model_spec import DEFAULT_MODEL
from reranker.pairs import ShowsKeyPoints
from reranker.pictures.loader import enough_for
from reranker.query import Example
from reranker.text_cache import TextEmbeddingCache

_PAIRS_DRAWN = 3
"""The best pairs whose key points are told."""
_MEASURED = 8
"""Pictures at most by which it is measured how long an encoder takes for one."""

RowListener = Callable[[EncoderRow], None]
"""Is told each row as it comes. What it raises ends the comparison, which raises it."""


class Comparing:
    """Compares encoders by a finder's sources, models and memory; `on_event` is told what each search tells."""

    def __init__(self, finder: Finder, on_event: Listener = ignore) -> None:
        self._finder = finder
        self._on_event = on_event
        self._raised_by_listener: Exception | None = None

    def compare(self, request: CompareRequest, on_row: RowListener = ignore) -> LiveComparison:
        """Return what each encoder found, a row an encoder in the order of the request.

        An encoder that fails is a row that says why. Where none answers their error is raised, and a source's own as
        soon as it fails for the first of them.
        """
        rows: list[EncoderRow] = []
        errors: list[PhrasepixError] = []
        for encoder in request.encoders:
            try:
                rows.append(self._row(request, encoder))
            except PhrasepixError as error:
                if error is self._raised_by_listener or (len(rows) == len(errors) and _is_of_a_source(error)):
                    raise
                errors.append(error)
                rows.append(EncoderRow(name=encoder.name, title=_title(encoder), problem=error.args))
            on_row(rows[-1])
        if len(errors) == len(rows):
            raise _of_all(request.encoders, errors)
        question = request.question
        return LiveComparison(question, tuple(rows), self._picture(question), request.search.top)

    def _row(self, request: CompareRequest, encoder: NamedEncoder) -> EncoderRow:
        try:
            return self._answer(request, encoder)
        except PhrasepixError:
            raise
        except Exception as fault:  # a caller's encoder is guarded by nobody else
            if isinstance(encoder.by, str) or fault is self._raised_by_listener:
                raise
            raise EncoderFaultError.of(encoder.name, fault) from fault

    def _answer(self, request: CompareRequest, encoder: NamedEncoder) -> EncoderRow:
        begun = time.perf_counter()
        results = self._finder.search(request.search_by(encoder), on_event=self._listen)
        row = EncoderRow(
            name=encoder.name,
            title=_title(encoder),
            profile=_profile(encoder),
            results=results,
            seconds=time.perf_counter() - begun,
        )
        known = None if row.profile is None else row.profile.bytes_per_picture
        if not results:  # nothing was encoded, and for nothing no encoder is loaded
            return replace(row, bytes_per_picture=known)
        texts = self._loaded(request, encoder)
        return replace(
            row,
            ms_per_picture=_ms_per_picture(texts, [match.picture for match in results[:_MEASURED]]),
            bytes_per_picture=known or BYTES_OF_A_NUMBER * texts.encoder.dimensions,
            pairs=self._pairs(request.question, texts.encoder, results),
        )

    def _loaded(self, request: CompareRequest, encoder: NamedEncoder) -> TextEmbeddingCache:
        """The encoder that has just searched, with the lock that whoever calls it holds."""
        if not isinstance(encoder.by, str):
            return self._finder.models.texts_of_encoder(encoder.by)
        _, spec = choose_model(encoder.by, encoder.pretrained, only_the_sample=False)
        search, directory = request.search, self._finder.config.directory
        return self._finder.models.texts(spec, search.device, search.engine, directory, download=not search.offline)

    def _pairs(self, question: Example, encoder: Encoder, results: LiveResults) -> tuple[KeyPointPair, ...]:
        agreeing = [match for match in results if match.agreement is not None and len(match.agreement.points)]
        picture = self._picture(question)
        if not isinstance(encoder, ShowsKeyPoints) or not agreeing or picture is None:
            return ()
        memory = self._finder.memory
        in_question = key_points_of(encoder, question.candidate, picture, memory)

        def pair(match: LiveMatch) -> KeyPointPair:
            assert match.agreement is not None  # noqa: S101  # chosen by it
            in_match = key_points_of(encoder, match.candidate, match.picture, memory)
            return KeyPointPair(match.rank, in_question, in_match, match.agreement.points)

        return tuple(pair(match) for match in agreeing[:_PAIRS_DRAWN])

    def _picture(self, question: Example) -> Image.Image | None:
        if isinstance(question.picture, Image.Image):
            return question.picture
        return kept_example(question.picture, self._finder.memory) if isinstance(question.picture, str) else None

    def _listen(self, event: Event) -> None:
        try:
            self._on_event(event)
        except Exception as error:  # ends the comparison, and not one row of it
            self._raised_by_listener = error
            raise


def _profile(encoder: NamedEncoder) -> EncoderProfile | None:
    """What an encoder says of itself, which may not be loaded; None where it says nothing."""
    if not isinstance(encoder.by, str):
        return encoder.by.profile if isinstance(encoder.by, HasProfile) else None
    try:
        profile = profile_named(encoder.by)
    except RerankerError:  # the row says what is wrong with it
        return None
    return profile if encoder.pretrained in {None, DEFAULT_MODEL.pretrained} else None


def _title(encoder: NamedEncoder) -> str:
    """What people know an encoder by."""
    if (profile := _profile(encoder)) is not None:
        return profile.title
    return encoder.by if isinstance(encoder.by, str) else encoder.name


def _ms_per_picture(texts: TextEmbeddingCache, pictures: Sequence[Image.Image]) -> float | None:
    """How long an encoder takes for one of the pictures; None without any."""
    if not pictures:
        return None
    side = enough_for(texts.encoder.input_side)
    small = []
    for picture in pictures:
        scale = side / min(picture.size)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        small.append(picture.resize(size, reducing_gap=2.0) if scale < 1 else picture)
    encoder = preparing(texts.encoder)
    with texts.in_use:
        encoder.encode_prepared([encoder.prepare_picture(small[0])])  # what is loaded late is loaded now
        begun = time.perf_counter()
        encoder.encode_prepared([encoder.prepare_picture(picture) for picture in small])
        return 1000 * (time.perf_counter() - begun) / len(small)


def _is_of_a_source(error: PhrasepixError) -> bool:
    return not isinstance(error, RerankerError)


def _of_all(encoders: Sequence[NamedEncoder], errors: Sequence[PhrasepixError]) -> PhrasepixError:
    """The error of a comparison in which nobody answered: the one that all have, or what each says."""
    first, *others = errors
    if all(str(other) == str(first) for other in others):
        return first
    parts: list[object] = ["none of the encoders could be asked"]
    for number, (encoder, error) in enumerate(zip(encoders, errors, strict=True)):
        parts += [f"{'; ' if number else ': '}{encoder.name}: ", *error.args]
    return ModelError(*parts)
