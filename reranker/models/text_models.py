"""The models of transformers after which text towers are built, checked before transformers reads what they say."""

from pathlib import Path

from huggingface_hub import hf_hub_download

from phrasepix_core.files import is_there
from reranker.errors import WeightsUnavailableError
from reranker.models.data_only import demand_data_only_config
from reranker.models.hub import demand_answers, demand_network
from reranker.models.hub_errors import raise_if_decisive


def demand_text_model_is_data(name: str, title: str) -> None:
    """Check the configuration of the repository `name`, after which the text tower of the model `title` is built.

    It is read where transformers will read it: from a directory of that name, else from the hub, downloaded if it is
    not here yet. Raises `ModelError` or `WeightsUnavailableError`.
    """
    if is_there(beside := Path(name) / "config.json"):
        demand_data_only_config(beside, title)
        return
    for local in (True, False):
        if not local:
            demand_network(title)
            demand_answers(title, name, (beside.name,))
        try:
            config = Path(hf_hub_download(name, beside.name, local_files_only=local))
        except Exception as error:  # those of the client's own HTTP library are of no common class
            if not local:
                raise_if_decisive(error, title, name)
            continue
        demand_data_only_config(config, title)
        return
    raise WeightsUnavailableError(f"the model {title} is built after {name}, which has no {beside.name}")
