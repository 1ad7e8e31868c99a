"""Where a run keeps what it prepares."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """Directories below `work`; what stands there from an earlier run is used again."""

    work: Path

    @property
    def model(self) -> Path:
        """The ViT-B-32 of all towers, as open_clip loads it."""
        return self.work / "random-ViT-B-32"

    @property
    def rclip_model(self) -> Path:
        """The ViT-B-32 for 256 pixels, which rclip is built for."""
        return self.work / "random-ViT-B-32-256"

    @property
    def sentence_transformer(self) -> Path:
        """`model` as a SentenceTransformer."""
        return self.work / "sentence-transformer"

    @property
    def rclip_data(self) -> Path:
        """rclip's data directory, with `rclip_model` as ONNX."""
        return self.work / "rclip-data"

    @property
    def cache(self) -> Path:
        """phrasepix's cache directory."""
        return self.work / "cache"
