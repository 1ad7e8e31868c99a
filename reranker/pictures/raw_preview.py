"""The preview that a camera puts into its own files, with the extra `raw`."""

import io
from typing import BinaryIO

from PIL import Image

from phrasepix_core.bare import bare_file, orientation_of_exif
from phrasepix_core.installing import install_command
from reranker.errors import PictureUnreadableError
from reranker.pictures.decode import decode_file

_TURNS = {3: Image.Transpose.ROTATE_180, 5: Image.Transpose.ROTATE_90, 6: Image.Transpose.ROTATE_270}
"""What brings a picture upright, by LibRaw's word for how it lies."""


def raw_preview(file: BinaryIO, enough: int) -> Image.Image:
    """The preview in RGB, upright; as `decode_file`, it need have no more than `enough` pixels on its short side.

    Raises `PictureUnreadableError`, also where the extra is not installed.
    """
    try:
        import rawpy
    except ImportError:
        raise PictureUnreadableError(
            f"cameras' own formats need the package rawpy: {install_command('rawpy')}"
        ) from None
    try:
        with rawpy.imread(file) as raw:
            preview = raw.extract_thumb()
            turn = _TURNS.get(raw.sizes.flip)
    except (rawpy.LibRawError, OSError, ValueError, RuntimeError) as error:
        said = error.args[0] if error.args else error
        reason = said.decode("ascii", "replace") if isinstance(said, bytes) else said
        raise PictureUnreadableError(f"the camera's file cannot be used: {reason}") from None
    if not isinstance(preview.data, bytes):
        picture = Image.fromarray(preview.data)
    else:
        picture = decode_file(io.BytesIO(preview.data), enough=enough, formats=("JPEG",))
        if _says_how_it_lies(preview.data):
            return picture
    return picture if turn is None else picture.transpose(turn)


def _says_how_it_lies(jpeg: bytes) -> bool:
    bare = bare_file(io.BytesIO(jpeg))
    return bare is not None and orientation_of_exif(bare.exif) is not None
