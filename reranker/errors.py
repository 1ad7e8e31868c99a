"""Everything that can go wrong in stage 2.

    RerankerError
    ├── WrongQueryError          an empty phrase, a top below 1, … (also a ValueError)
    ├── ModelError
    │   ├── UnknownModelError       no such model, tag or device (also a ValueError)
    │   ├── WeightsUnavailableError   the weights are not here and cannot be had
    │   ├── NoTextsError            an encoder of pictures alone is asked for a text (also a ValueError)
    │   ├── EncoderFaultError       the encoder's own code, a plug-in's, has a mistake
    │   ├── ForkedProcessError      a model of the process that this one was forked from; it cannot run here
    │   ├── NotExportableError      the engine cannot run this model; torch runs it instead
    │   └── NotNativeError          the engine's graph of this model is not built here; torch exports it instead
    └── PictureError             one picture cannot be had; it is skipped, the search goes on
        ├── PictureUnreachableError   no file came from its URL
        │   └── TransientPictureError     and another try may mend it
        ├── ForbiddenAddressError     its URL leads to an address pictures must not come from
        └── PictureUnreadableError    a file came, and it is no usable picture

Each message says what happened, to which model, URL or picture, and what to do where something can be done.
"""

from collections.abc import Sequence
from typing import Self

from phrasepix_core.errors import PhrasepixError, WrongValueError


class RerankerError(PhrasepixError):
    """The root of stage 2's errors."""


class WrongQueryError(RerankerError, WrongValueError):
    """A query that cannot be ranked by."""


class ModelError(RerankerError):
    """The model cannot be used."""


class UnknownModelError(ModelError, WrongValueError):
    """A model name, pretrained tag or device that does not exist."""


class NoTextsError(ModelError, WrongValueError):
    """An encoder that compares pictures with pictures is asked for a text."""

    @classmethod
    def of(cls, name: str, others: Sequence[str] = ()) -> Self:
        """What to say of the encoder `name`, and which `others` read texts."""
        known = f"{', '.join(others)} and others" if others else "models such as ViT-B-32 or multilingual"
        return cls(f"the encoder {name} compares pictures with pictures and reads no text; {known} read texts")


class WeightsUnavailableError(ModelError):
    """The model's weights are not on this machine and cannot be downloaded."""


class EncoderFaultError(ModelError):
    """An encoder failed as no encoder should: its code, a plug-in's, has a mistake. The cause says which."""

    @classmethod
    def of(cls, name: str, error: BaseException) -> "EncoderFaultError":
        """What to say of an exception of the encoder `name` that is no `RerankerError`."""
        return cls(
            f"the model {name!r} failed by a mistake in its own code ({type(error).__name__}: {error}); "
            "tell whoever wrote it, and search with another model"
        )


class ForkedProcessError(ModelError):
    """This process was forked from one that had used a model, whose threads did not come along."""


class NotExportableError(ModelError):
    """The model cannot be run by an engine other than torch."""


class NotNativeError(ModelError):
    """A graph for the engine cannot be built from the model's configuration and weights alone."""


class PictureError(RerankerError):
    """One picture cannot be had."""

    def without_frames(self) -> Self:
        """Forget where it was raised: the frames of a traceback keep the file and the pixels they held alive."""
        self.__traceback__ = self.__context__ = self.__cause__ = None
        return self


class PictureUnreachableError(PictureError):
    """No file came from the picture's URL."""


class TransientPictureError(PictureUnreachableError):
    """No file came from the picture's URL, and another try may mend it."""


class ForbiddenAddressError(PictureError):
    """The URL leads to an address that pictures of this source must not come from."""


class PictureUnreadableError(PictureError):
    """What came is not a picture that can be used."""
