"""Where things are kept on this machine."""

from pathlib import Path
from typing import Final

import platformdirs

from phrasepix_core import environment
from phrasepix_core.files import shown_path

DATA_VARIABLE: Final = "PHRASEPIX_DATA_DIR"


def cache_directory() -> Path:
    """The directory for what can be fetched again; `PHRASEPIX_CACHE_DIR` overrides the platform's own."""
    return Path(
        environment.variable("PHRASEPIX_CACHE_DIR") or platformdirs.user_cache_dir("phrasepix", appauthor=False)
    )


def data_directory() -> Path:
    """The directory of libraries, which cannot be fetched again; `PHRASEPIX_DATA_DIR` overrides the platform's own."""
    return Path(environment.variable(DATA_VARIABLE) or platformdirs.user_data_dir("phrasepix", appauthor=False))


def config_directory() -> Path:
    """The directory of `config.toml`; `PHRASEPIX_CONFIG_DIR` overrides the platform's own."""
    return Path(
        environment.variable("PHRASEPIX_CONFIG_DIR") or platformdirs.user_config_dir("phrasepix", appauthor=False)
    )


def data_remedy() -> str:
    """What to do where the data directory cannot be written, to be put behind the reason."""
    return f"let {shown_path(data_directory())} be written to, or name another folder by {DATA_VARIABLE}"
