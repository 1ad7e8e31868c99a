"""From the name of a text tower to its files on this machine."""

from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path

from phrasepix_core.files import at_home, is_folder
from phrasepix_core.text import printable
from reranker.errors import UnknownModelError
from reranker.models.file_names import MODULES, TEXT_TOWER
from reranker.models.model_spec import HF_HUB, LOCAL_DIR


@dataclass(frozen=True, slots=True)
class TextWeights:
    """A text tower of sentence-transformers in `directory`; `title` names it to people, without a path."""

    title: str
    directory: Path

    @property
    def files(self) -> list[Path]:
        """What it is loaded from."""
        found = {path for pattern in TEXT_TOWER for path in self.directory.rglob(pattern)}
        return sorted(path for path in found if not {"onnx", "openvino"} & set(path.relative_to(self.directory).parts))

    def fingerprint(self) -> str:
        """A digest of all its files."""
        digest = sha256()
        for path in self.files:
            digest.update(path.relative_to(self.directory).as_posix().encode())
            with path.open("rb") as file:
                digest.update(file_digest(file, "sha256").digest())
        return digest.hexdigest()[:24]


def find_text_tower(name: str, *, download: bool = True) -> TextWeights:
    """The text tower `local-dir:PATH` or `hf-hub:OWNER/NAME`, downloaded if it is not here yet and `download` is True.

    Raises `UnknownModelError` or `WeightsUnavailableError`.
    """
    if not name.startswith(LOCAL_DIR):
        from reranker.models.hub_files import find_text_model  # the hub's client takes longer than to read a directory

        return TextWeights(name, find_text_model(name.removeprefix(HF_HUB), download=download))
    directory = at_home(Path(name.removeprefix(LOCAL_DIR)))
    title = f"{LOCAL_DIR}{printable(directory.resolve().name)}"
    place = printable(str(directory))
    if not is_folder(directory):
        raise UnknownModelError(f"text tower {title}: {place} is not a directory")
    if not (directory / MODULES).is_file():
        raise UnknownModelError(
            f"text tower {title}: {place} has no {MODULES}; is it a model of sentence-transformers?"
        )
    return TextWeights(title, directory)
