"""The inference endpoints that programs already speak: `/v1/embeddings` and `/v1/rerank`."""

import base64
import secrets
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from phrasepix.errors import WrongParameterError
from phrasepix.models.catalogue import choose_model
from phrasepix.server.embeddings import Embedder, Input, PictureInput, TextInput, input_of
from phrasepix.server.services import Services
from reranker.encoder import Embeddings

_MOST_INPUTS = 256

_ID_BYTES = 12


class TextPart(BaseModel):
    """A text."""

    text: str


class PicturePart(BaseModel):
    """A picture, by its data URL or its http or https address."""

    image: str


Part = Annotated[
    str | TextPart | PicturePart,
    Field(description="A text, or a picture as data URL or http or https address."),
]


class EmbeddingsWish(BaseModel):
    """What to embed, in OpenAI's form."""

    input: Part | Annotated[list[Part], Field(min_length=1, max_length=_MOST_INPUTS)]
    model: str | None = Field(default=None, description="A model by the same name as in a search.")
    pretrained: str | None = Field(default=None, description="The tag of the weights, for an open_clip model.")
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(default=None, description="Only the number that the model has.")


class RerankWish(BaseModel):
    """A query, and what to rank by it."""

    query: Part
    documents: list[Part] = Field(min_length=1, max_length=_MOST_INPUTS)
    model: str | None = Field(default=None, description="A model by the same name as in a search.")
    pretrained: str | None = Field(default=None, description="The tag of the weights, for an open_clip model.")
    top_n: int | None = Field(default=None, ge=1, description="How many to return; all without it.")
    return_documents: bool = Field(default=False, description="Whether each result has its document again.")


class Usage(BaseModel):
    """What was used; nothing is billed."""

    prompt_tokens: int = 0
    total_tokens: int = 0


class Vector(BaseModel):
    """A unit vector."""

    object: Literal["embedding"] = "embedding"
    index: int = Field(description="Which of the inputs it is of, from 0.")
    embedding: list[float] | str = Field(description="Numbers, or base64 of little-endian float32.")


class EmbeddingsAnswer(BaseModel):
    """The vectors, in the order of the inputs."""

    object: Literal["list"] = "list"
    model: str
    data: list[Vector]
    usage: Usage = Usage()


class RankedDocument(BaseModel):
    """A document by how near it is to the query."""

    index: int = Field(description="Which of the documents it is, from 0.")
    relevance_score: float = Field(description="The cosine of query and document, −1…1.")
    document: TextPart | PicturePart | None = None


class RerankAnswer(BaseModel):
    """The documents, the nearest first."""

    id: str
    model: str
    results: list[RankedDocument]
    usage: Usage = Usage()


def inference_routes(services: Services) -> APIRouter:
    """Return the routes of inference."""
    routes = APIRouter(prefix="/v1", tags=["inference"])

    def embedder(model: str | None, pretrained: str | None) -> tuple[str, Embedder]:
        name = None if model is None else services.reader.model(model)
        title, _ = choose_model(name, pretrained, only_the_sample=False)
        return title, Embedder.of_model(services.finder, services.pictures, name, pretrained)

    @routes.post("/embeddings")
    async def embeddings(wish: EmbeddingsWish) -> EmbeddingsAnswer:
        """Return one unit vector for each input."""
        inputs = [_input(part) for part in (wish.input if isinstance(wish.input, list) else [wish.input])]

        def work() -> EmbeddingsAnswer:
            title, by_model = embedder(wish.model, wish.pretrained)
            if wish.dimensions not in {None, by_model.dimensions}:
                raise WrongParameterError(
                    f"dimensions {wish.dimensions} cannot be had: the vectors of {title} have {by_model.dimensions}"
                )
            rows = by_model.embed(inputs)
            encoded = [_in_base64(row) if wish.encoding_format == "base64" else row.tolist() for row in rows]
            return EmbeddingsAnswer(
                model=title, data=[Vector(index=index, embedding=each) for index, each in enumerate(encoded)]
            )

        return await services.in_thread(work)

    @routes.post("/rerank", response_model_exclude_none=True)
    async def rerank(wish: RerankWish) -> RerankAnswer:
        """Return the documents by how near each is to the query, the nearest first."""
        inputs = [_input(wish.query), *map(_input, wish.documents)]

        def work() -> RerankAnswer:
            title, by_model = embedder(wish.model, wish.pretrained)
            rows = by_model.embed(inputs).astype(float)
            scores = rows[1:] @ rows[0]
            order = sorted(range(len(scores)), key=lambda index: (-scores[index], index))
            results = [
                RankedDocument(
                    index=index,
                    relevance_score=float(scores[index]),
                    document=_described(wish.documents[index]) if wish.return_documents else None,
                )
                for index in order[: wish.top_n]
            ]
            return RerankAnswer(id=secrets.token_urlsafe(_ID_BYTES), model=title, results=results)

        return await services.in_thread(work)

    return routes


def _input(part: str | TextPart | PicturePart) -> Input:
    match part:
        case TextPart():
            return TextInput(part.text)
        case PicturePart():
            return PictureInput(part.image)
    return input_of(part)


def _described(part: str | TextPart | PicturePart) -> TextPart | PicturePart:
    return TextPart(text=part) if isinstance(part, str) else part


def _in_base64(row: Embeddings) -> str:
    return base64.b64encode(row.astype("<f4").tobytes()).decode("ascii")
