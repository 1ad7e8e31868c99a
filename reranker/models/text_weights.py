"""From the name of a text tower to its files on this machine."""

from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path

from huggingface_hub import snapshot_download

from phrasepix_core.files import at_home
from phrasepix_core.text import printable
from reranker.errors import UnknownModelError, WeightsUnavailableError
from reranker.models.hub import demand_answers, demand_network
from reranker.models.hub_errors import raise_if_decisive
from reranker.models.model_spec import HF_HUB, LOCAL_DIR

_MODULES_FILE = "modules.json"
_FILES = ("*.json", "*.txt", "*.model", "*.safetensors", "*.bin")
_UNUSED = ("onnx/*", "openvino/*", "*.h5", "*.msgpack", "*.onnx", "*.py")


@dataclass(frozen=True, slots=True)
class TextWeights:
    """A text tower of sentence-transformers in `directory`; `title` names it to people, without a path."""

    title: str
    directory: Path

    @property
    def files(self) -> list[Path]:
        """What it is loaded from."""
        found = {path for pattern in _FILES for path in self.directory.rglob(pattern)}
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
        return TextWeights(name, _snapshot(name.removeprefix(HF_HUB), download=download))
    directory = at_home(Path(name.removeprefix(LOCAL_DIR)))
    title = f"{LOCAL_DIR}{printable(directory.resolve().name)}"
    place = printable(str(directory))
    if not directory.is_dir():
        raise UnknownModelError(f"text tower {title}: {place} is not a directory")
    if not (directory / _MODULES_FILE).is_file():
        raise UnknownModelError(
            f"text tower {title}: {place} has no {_MODULES_FILE}; is it a model of sentence-transformers?"
        )
    return TextWeights(title, directory)


def _snapshot(repository: str, *, download: bool) -> Path:
    for local in (True, False):
        if not local:
            demand_network(f"{HF_HUB}{repository}", download=download)
            demand_answers(f"text tower {HF_HUB}{repository}", repository, (_MODULES_FILE,))
        try:
            directory = Path(
                snapshot_download(
                    repository,
                    allow_patterns=list(_FILES),
                    ignore_patterns=list(_UNUSED),
                    local_files_only=local,
                )
            )
        except Exception as error:  # those of the client's own HTTP library are of no common class
            if not local or isinstance(error, ValueError):
                raise_if_decisive(error, f"text tower {HF_HUB}{repository}", repository)
            continue
        if (directory / _MODULES_FILE).is_file():
            return directory
    raise WeightsUnavailableError(
        f"text tower {HF_HUB}{repository}: the hub has no such model with {_MODULES_FILE}, or it is not public"
    )
