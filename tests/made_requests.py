"""Requests made of the API's description, right ones and wrong ones, and what every answer to them must be."""

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from jsonschema import Draft202012Validator
from schemathesis import Case, GenerationMode

from tests.serve_process import ServeProcess

PATIENCE_S = 60.0
"""An answer that takes longer is a hang."""

_MODELS = {"phrase", "like", "model", "refine", "input", "query"}
"""What the requests have that need a model."""
_WITHOUT_CARE = 100
"""One in so many names whatever model it likes."""

PROBLEM = "application/problem+json"


class Fuzz:
    """Sends `count` requests to each operation, and as many wrong ones; `statuses` counts the answers.

    `known` fills ids in, so that not all of them are of nothing.
    """

    def __init__(self, server: ServeProcess, count: int, known: Mapping[str, str]) -> None:
        self._server = server
        self._count = count
        self._known = known
        self._session = requests.Session()
        self._described = server.get("/api/v1/openapi.json")
        self.statuses: Counter[int] = Counter()
        self.faults: list[str] = []

    @property
    def sent(self) -> int:
        """How many requests were sent."""
        return self.statuses.total()

    def run(self) -> None:
        """Send them all; what is wrong with the answers is in `faults`."""
        schema = schemathesis.openapi.from_dict(self._described)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Hypothesis says of slow strategies is not about the server
            for found in schema.get_all_operations():
                operation = found.ok()  # type: ignore[union-attr]  # the description is valid
                for mode in GenerationMode:
                    self._ask(operation.as_strategy(generation_mode=mode), f"{operation.label} {mode.value}")

    def _ask(self, cases: Any, label: str) -> None:
        @seed(len(label))
        @settings(
            max_examples=self._count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(cases)
        def ask(case: Case[Any]) -> None:
            self._send(case, label)

        try:
            ask()
        except Exception as error:  # nothing wrong can be made of a route without parameters
            if type(error).__name__ not in {"Unsatisfiable", "NoExamples", "InvalidArgument"}:
                raise

    def _send(self, case: Case[Any], label: str) -> None:
        for name, value in self._known.items():
            if name in (case.path_parameters or {}) and hash(str(case.body)) % 2:
                case.path_parameters[name] = value
        if isinstance(case.body, dict) and case.body.keys() & _MODELS and hash(repr(case.body)) % _WITHOUT_CARE:
            # A model that is not on this machine takes seconds to say so.
            case.body = {name: value for name, value in case.body.items() if name != "refine"} | {"model": "sample"}
        given = case.as_transport_kwargs(base_url=self._server.origin)
        given["headers"] = {**dict(given.get("headers") or {}), "Authorization": f"Bearer {self._server.token}"}
        try:
            answer = self._session.request(**given, timeout=PATIENCE_S)
        except (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL, UnicodeError, ValueError):
            return  # no client can send it
        except requests.RequestException as error:
            self.faults.append(f"{label}: {type(error).__name__} for {given!r:.500}")
            return
        self.statuses[answer.status_code] += 1
        self.faults += [f"{label}: {fault} for {given!r:.500}" for fault in self._wrong_with(answer, case)]

    def _wrong_with(self, answer: requests.Response, case: Case[Any]) -> Iterator[str]:
        kind = answer.headers.get("content-type", "")
        if answer.status_code == 500:
            yield f"status 500: {answer.text:.300}"
        elif answer.status_code >= 400 and kind != PROBLEM:
            yield f"status {answer.status_code} is no problem: {kind}"
        elif kind in {"application/json", PROBLEM}:
            yield from self._against_schema(answer, case, kind)

    def _against_schema(self, answer: requests.Response, case: Case[Any], kind: str) -> Iterator[str]:
        responses = self._described["paths"][case.operation.path][case.operation.method.lower()]["responses"]
        described = responses.get(str(answer.status_code), responses["default"]).get("content", {})
        if kind not in described:
            yield f"{kind} is not described for {answer.status_code}"
            return
        schema = {**described[kind]["schema"], "components": self._described["components"]}
        for error in Draft202012Validator(schema).iter_errors(answer.json()):
            yield f"{error.json_path}: {error.message:.200}"
