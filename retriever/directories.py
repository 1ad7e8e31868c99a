"""Where things are kept on this machine."""

from pathlib import Path

import platformdirs

from phrasepix_core import environment


def cache_directory() -> Path:
    """The directory for what can be fetched again; `PHRASEPIX_CACHE_DIR` overrides the platform's own."""
    return Path(
        environment.variable("PHRASEPIX_CACHE_DIR") or platformdirs.user_cache_dir("phrasepix", appauthor=False)
    )


def data_directory() -> Path:
    """The directory of libraries, which cannot be fetched again; `PHRASEPIX_DATA_DIR` overrides the platform's own."""
    return Path(environment.variable("PHRASEPIX_DATA_DIR") or platformdirs.user_data_dir("phrasepix", appauthor=False))


def config_directory() -> Path:
    """The directory of `config.toml`; `PHRASEPIX_CONFIG_DIR` overrides the platform's own."""
    return Path(
        environment.variable("PHRASEPIX_CONFIG_DIR") or platformdirs.user_config_dir("phrasepix", appauthor=False)
    )
