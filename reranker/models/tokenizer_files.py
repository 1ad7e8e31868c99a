"""From a model's name to the files of its tokenizer on this machine, where it is not CLIP's own."""

from pathlib import Path

from huggingface_hub import snapshot_download

from reranker.models.hub import demand_answers, demand_network
from reranker.models.hub_errors import raise_if_decisive

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def find_tokenizer(repository: str, title: str, *, download: bool = True) -> Path | None:
    """The directory of the tokenizer that the hub's `repository` has, downloaded if it is not here yet.

    None where it has no `tokenizer.json`. `title` names the model to people. Raises `WeightsUnavailableError` or
    `UnknownModelError`.
    """
    for local in (True, False):
        if not local:
            demand_network(title, download=download, what="tokenizer files")
            demand_answers(title, repository, TOKENIZER_FILES)
        try:
            found = snapshot_download(repository, allow_patterns=list(TOKENIZER_FILES), local_files_only=local)
        except Exception as error:  # those of the client's own HTTP library are of no common class
            if not local or isinstance(error, ValueError):
                raise_if_decisive(error, title, repository, what="tokenizer files")
            continue
        if (Path(found) / TOKENIZER_FILES[0]).is_file():
            return Path(found)
    return None
