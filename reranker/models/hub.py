"""The hub, asked briefly before its own client asks: that would go on for minutes before it says what is wrong."""

from collections.abc import Iterable

import requests
from huggingface_hub import constants, get_token, hf_hub_url

from phrasepix_core import environment
from phrasepix_core.messages import Hint
from reranker import steps
from reranker.errors import WeightsUnavailableError
from reranker.models.hub_errors import no_connection, raise_if_decisive

_REACHABLE_WITHIN_S = 5.0
_ANSWERS_WITHIN_S = 10.0
_PASSING = {408, 429, 500, 502, 503, 504}
"""Answers after which the hub's client asks again, five times, each time after as long as the hub says."""


def demand_network(title: str, *, download: bool = True, what: str = "weights") -> None:
    """Ask the hub once, briefly: its own client would retry for most of a minute before it says so.

    `what` is to be had of the model `title`. Raises `WeightsUnavailableError` if it does not answer or must not be
    asked, which `download` False says too.
    """
    looked_in = f"the {what} of {title} are not on this machine (looked in {constants.HF_HUB_CACHE})"
    remedy = (
        " Run once with a connection, set HF_HOME to where they are, name a directory with ",
        Hint("model", "local-dir:PATH"),
        ", or see it work with the built-in sample: source and model are called “sample”",
    )
    if not download:
        raise WeightsUnavailableError(f"{looked_in}, and an offline search downloads nothing.", *remedy)
    if constants.HF_HUB_OFFLINE or environment.variable("HF_HUB_OFFLINE").upper() in {"1", "TRUE", "YES", "ON"}:
        by = "HF_HUB_OFFLINE" if environment.variable("HF_HUB_OFFLINE") else "TRANSFORMERS_OFFLINE"
        raise WeightsUnavailableError(f"{looked_in} and {by} forbids the download: unset it.", *remedy)
    try:
        requests.head(constants.ENDPOINT, timeout=_REACHABLE_WITHIN_S, auth=_no_login)
    except requests.RequestException as error:
        if why := no_connection(error):
            raise WeightsUnavailableError(f"{looked_in} and {why}") from None
        raise WeightsUnavailableError(f"{looked_in} and {constants.ENDPOINT} cannot be reached.", *remedy) from None
    steps.begin(steps.DOWNLOADING)


def demand_answers(title: str, repository: str, names: Iterable[str]) -> None:
    """Ask the hub for the first byte of each of the files, once: its client would go on asking for minutes.

    What is not there is no error. Raises `WeightsUnavailableError` where the hub has no time, and `UnknownModelError`
    where no repository can be called so.
    """
    headers = {"Range": "bytes=0-0"}
    if token := get_token():
        headers["Authorization"] = f"Bearer {token}"
    for name in names:
        try:
            url = hf_hub_url(repository, name)
            with requests.get(
                url,
                headers=headers,
                timeout=_ANSWERS_WITHIN_S,
                auth=_no_login,
                stream=True,
            ) as answer:
                if answer.status_code in _PASSING:
                    answer.raise_for_status()
        except requests.ConnectionError:
            continue  # the client tries again, which takes half a minute at most
        except Exception as error:
            raise_if_decisive(error, title, repository)


def _no_login(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add no login: without this one, requests would look for one in `.netrc`."""
    return request
