"""A folder of one's own pictures, as a source."""

from retriever.folder.profile import FOLDER
from retriever.folder.source import FolderSource

__all__ = ["FOLDER", "FolderSource"]
