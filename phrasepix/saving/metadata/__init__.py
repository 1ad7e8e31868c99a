"""The credit inside a picture file: XMP, and Exif where there is none yet, beside pixels that are left alone."""

from phrasepix.saving.metadata.embed import embed_credit

__all__ = ["embed_credit"]
