"""A model's own files, checked before any library reads them: they may be data, and nothing else.

Libraries that load models take much from a model's configuration: classes to import, files of Python to run, other
repositories to download, files elsewhere on the disk. Whoever names a model wants none of that. What could reach code
or another place is refused by its name, whatever the loaders would make of it; they are told to trust nothing besides.
"""

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from phrasepix_core.text import printable, shortened
from reranker.errors import ModelError
from reranker.models.file_names import CONFIG, MODULES
from reranker.models.open_clip_registry import is_text_model

_NO_CONFIG = frozenset({"tokenizer.json", "vocab.json", "added_tokens.json"})
"""Large files of data, which name no code."""
_LARGEST_CONFIG = 32 << 20

_CODE_KEYS = frozenset({"auto_map", "trust_remote_code", "custom_pipelines", "code_revision"})
"""Keys by which a configuration brings Python of its own."""
_ELSEWHERE_KEYS = frozenset({"quantization_config", "use_kernels", "kernel_config", "allow_all_kernels"})
"""Keys by which a configuration has other packages or compiled kernels loaded."""
_KERNEL_KEY = re.compile(r"_?(attn|experts)_implementation(_internal)?")
"""Keys whose value is built in, or with a slash in it a repository of compiled code."""
_ACTIVATION = re.compile(r"torch\.nn\.modules\.(activation|linear)\.\w+|[\w-]+")

_TOKENIZER_OPTIONS = frozenset({"clean", "strip_sep_token", "language", "additional_special_tokens", "reduction_mask"})
"""Those of open_clip itself; all others would go to transformers."""

_MODULE = re.compile(
    r"sentence_transformers(\.\w+)*\."
    r"(CLIPModel|CNN|Dense|Dropout|LayerNorm|LSTM|Normalize|Pooling|StaticEmbedding|Transformer|WeightedLayerPooling)"
)
"""Modules of sentence-transformers that import nothing their configuration names."""
_LOADER_OPTIONS = re.compile(r"(model|tokenizer|config|processor)_(args|kwargs)")
_HARMLESS_OPTIONS = frozenset({
    "add_pooling_layer", "attn_implementation", "do_lower_case", "dtype", "max_length", "model_max_length",
    "padding_side", "torch_dtype", "truncation_side", "use_fast", "use_safetensors",
})  # fmt: skip

_REMEDY = "Nothing that comes with a model is ever run; name a model that is data only"

_LAYERS = re.compile(r"(\w*_)?layers?")
_MOST_LAYERS = 1000
_LARGEST_NUMBER = 1 << 22


def demand_data_only(directory: Path, title: str) -> None:
    """Check the configuration of the open_clip model in `directory`, whose name to people is `title`.

    Raises `ModelError`, naming file and key.
    """
    for path in sorted(directory.iterdir()):
        _demand_no_device(path, path.name, title)
        if path.suffix == ".json" and path.name not in _NO_CONFIG:
            config = _checked(path, directory, title)
            if path.name == CONFIG and isinstance(config, dict):
                _check_open_clip(config.get("model_cfg"), path.name, title)


def demand_data_only_text_tower(directory: Path, files: Collection[Path], title: str) -> None:
    """Check the configuration of the sentence-transformers model in `directory`, which consists of `files`.

    Raises `ModelError`, naming file and key.
    """
    for path in files:
        name = path.relative_to(directory).as_posix()
        _demand_no_device(path, name, title)
        if path.name == "adapter_config.json":
            raise _refused(title, name, "it is an adapter, which would load another model to adapt")
        if path.suffix == ".json" and path.name not in _NO_CONFIG:
            config = _checked(path, directory, title)
            if name == MODULES:
                _check_modules(config, name, title)
            elif path.name.startswith("sentence_"):
                _check_loader_options(config, name, title)


def demand_data_only_config(path: Path, title: str) -> None:
    """Check one configuration of transformers. Raises `ModelError`, naming file and key."""
    _checked(path, path.parent, title)


def _checked(path: Path, directory: Path, title: str) -> Any:
    """The content of a configuration, in which no key reaches code or another place."""
    name = path.relative_to(directory).as_posix()
    try:
        if path.stat().st_size > _LARGEST_CONFIG:
            raise _refused(title, name, f"it is larger than {_LARGEST_CONFIG >> 20} MiB, which no configuration is")
        config = json.loads(path.read_bytes().decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _refused(title, name, f"it is not readable JSON ({shortened(printable(str(error)))})") from None
    for where, key, value in _entries(config):
        _check_entry(where, key, value, name, title)
    return config


def _demand_no_device(path: Path, name: str, title: str) -> None:
    """Raise `ModelError` where there is a pipe or a device in the place of a file: it would be waited for."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise _refused(title, name, "it is not a regular file")


def _entries(config: Any) -> Iterator[tuple[str, str, Any]]:
    """All keys of a configuration at any depth: the path to each, the key and its value."""
    unread: list[tuple[str, Any]] = [("", config)]
    while unread:
        where, value = unread.pop()
        if isinstance(value, dict):
            for key, inner in value.items():
                place = f"{where}.{key}" if where else key
                yield place, key, inner
                unread.append((place, inner))
        elif isinstance(value, list):
            unread += [(f"{where}[{number}]", inner) for number, inner in enumerate(value)]


def _check_entry(where: str, key: str, value: Any, name: str, title: str) -> None:
    if key in _CODE_KEYS and value:
        raise _refused(title, name, f"it asks for code of the model to be run. {_REMEDY}", where)
    if key in _ELSEWHERE_KEYS and value:
        raise _refused(title, name, f"it asks for code from elsewhere to be loaded. {_REMEDY}", where)
    if _KERNEL_KEY.fullmatch(key) and "/" in json.dumps(value):
        raise _refused(title, name, f"it names compiled code of a repository. {_REMEDY}", where)
    if key == "activation_function" and not (isinstance(value, str) and _ACTIVATION.fullmatch(value)):
        raise _refused(title, name, f"it names {_quoted(value)}, which is no activation function of torch", where)
    if _LAYERS.fullmatch(key) and isinstance(value, int) and value > _MOST_LAYERS:
        raise _refused(title, name, f"no model has {value} layers", where)
    if key == "weight_map":
        for file in value.values() if isinstance(value, dict) else [value]:
            if not _is_below(file):
                raise _refused(title, name, f"it names the file {_quoted(file)}, which is not the model's own", where)


def _check_loader_options(config: Any, name: str, title: str) -> None:
    """What sentence-transformers passes on to transformers' loaders, of which few options are harmless."""
    for key, value in config.items() if isinstance(config, dict) else ():
        if _LOADER_OPTIONS.fullmatch(key) and value:
            for option in value if isinstance(value, dict) else [json.dumps(value)]:
                if option not in _HARMLESS_OPTIONS:
                    raise _refused(title, name, "that option is not one a model may set", f"{key}.{option}")


def _check_open_clip(model: Any, name: str, title: str) -> None:
    """What open_clip makes of its own configuration: towers of other libraries, options of tokenizers, sizes."""
    if not isinstance(model, dict):
        return  # open_clip says what is missing
    text, vision = model.get("text_cfg"), model.get("vision_cfg")
    if isinstance(text, dict):
        text_model = text.get("hf_model_name")
        if text_model and not is_text_model(str(text_model)):
            why = f"it names the repository {_quoted(text_model)}, which none of open_clip's own models is built after"
            raise _refused(title, name, why, "model_cfg.text_cfg.hf_model_name")
        options = text.get("tokenizer_kwargs") or {}
        for option in options if isinstance(options, dict) else [json.dumps(options)]:
            if option not in _TOKENIZER_OPTIONS:
                where = f"model_cfg.text_cfg.tokenizer_kwargs.{option}"
                raise _refused(title, name, "that option is not one of open_clip's", where)
    trunk = vision.get("timm_model_name") if isinstance(vision, dict) else None
    if trunk and not (isinstance(trunk, str) and re.fullmatch(r"[\w.-]+", trunk)):
        why = f"it names {_quoted(trunk)}, which is no architecture of timm's own"
        raise _refused(title, name, why, "model_cfg.vision_cfg.timm_model_name")
    for where, _, value in _entries(model):
        numbers = value if isinstance(value, list) else [value]
        if any(isinstance(number, int | float) and not abs(number) <= _LARGEST_NUMBER for number in numbers):
            raise _refused(title, name, f"no model is that large: {_quoted(value)}", f"model_cfg.{where}")


def _check_modules(modules: Any, name: str, title: str) -> None:
    for number, module in enumerate(modules if isinstance(modules, list) else [modules]):
        kind, path = (module.get("type"), module.get("path")) if isinstance(module, dict) else (None, None)
        if not (isinstance(kind, str) and _MODULE.fullmatch(kind)):
            why = f"it names {_quoted(kind)}, which is no module of sentence-transformers that texts are encoded with"
            raise _refused(title, name, why, f"[{number}].type")
        if path and not _is_below(path):
            why = f"it names {_quoted(path)}, which is not in the model's own directory"
            raise _refused(title, name, why, f"[{number}].path")


def _is_below(file: Any) -> bool:
    """Whether a name leads to something below the directory it is read in, on any system."""
    if not isinstance(file, str) or not file or re.search(r"[\\:\0]", file):
        return False
    path = PurePosixPath(file)
    return not path.is_absolute() and ".." not in path.parts


def _refused(title: str, name: str, why: str, where: str = "") -> ModelError:
    place = ": ".join(_shown(part) for part in (name, where) if part)
    return ModelError(f"model {printable(title)} cannot be loaded: {place}: {why}")


def _shown(text: str) -> str:
    return shortened(printable(text), 120)


def _quoted(value: Any) -> str:
    return f"“{_shown(value if isinstance(value, str) else json.dumps(value))}”"
