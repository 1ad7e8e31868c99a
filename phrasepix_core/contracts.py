"""Contracts: the promises of a protocol, each checked on a real object by a named check.

`retriever.testing` and `reranker.testing` state the promises of a source and of an encoder with this module.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, NoReturn, TypeVar
from unittest import SkipTest

from phrasepix_core.text import shortened

Subject = TypeVar("Subject")
Answer = TypeVar("Answer")

_LONGEST_SHOWN = 500
_LONGEST_WAIT_S = 60.0


class BrokenPromiseError(AssertionError):
    """An object does not keep what its protocol promises.

    It is an `AssertionError`, and no `PhrasepixError`: only checks raise it, so that test runners report a failed test,
    and `except PhrasepixError` around a search never hides one.
    """

    def __init__(self, subject: str, *, check: str, promise: str, given: str, came: str, documented: str) -> None:
        super().__init__(
            f"{subject} breaks a promise: {promise}\n"
            f"  given: {given}\n"
            f"  came:  {came}\n"
            f"  see:   {documented} (check {check})"
        )
        self.subject = subject
        """Whose promise it is, such as “source 'pixabay'”."""
        self.check = check
        """The name of the check that failed."""
        self.promise = promise
        """What is promised, in one sentence."""
        self.given = given
        """What the object was asked for."""
        self.came = came
        """What it answered."""
        self.documented = documented
        """Where the promise is documented: an importable name."""


class _BreachError(Exception):
    """What a check found; `Contract` says whose promise it is and where that is documented."""

    def __init__(self, given: str, came: str) -> None:
        super().__init__(given, came)
        self.given = given
        self.came = came


def breach(given: str, came: str) -> NoReturn:
    """End a check: `given` what is said, `came` what breaks the promise."""
    raise _BreachError(given, came)


def demand(holds: bool, given: str, came: str) -> None:
    """End a check as broken unless the promise `holds`."""
    if not holds:
        breach(given, came)


def nothing_to_check(why: str) -> NoReturn:
    """End a check that cannot tell: test runners report it as skipped, with the reason."""
    raise SkipTest(why)


def shown(value: object) -> str:
    """Return `value` as an error shows it, of bounded length."""
    return shortened(repr(value), _LONGEST_SHOWN)


@dataclass(frozen=True, slots=True)
class _Check(Generic[Subject]):
    name: str
    promise: str
    documented: str
    run: Callable[[Subject], None]

    def __call__(self, subject: Subject, title: str) -> None:
        def broken(given: str, came: str) -> BrokenPromiseError:
            return BrokenPromiseError(
                title, check=self.name, promise=self.promise, given=given, came=came, documented=self.documented
            )

        try:
            self.run(subject)
        except SkipTest:
            raise
        except _BreachError as found:
            raise broken(found.given, found.came) from found.__cause__
        except Exception as error:
            raise broken("what this check asks for", f"{type(error).__name__}: {error}") from error


class Contract(Generic[Subject]):
    """The checks of one protocol, in the order in which they were stated."""

    def __init__(self) -> None:
        self._checks: list[_Check[Subject]] = []

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the checks."""
        return tuple(check.name for check in self._checks)

    def promise(self, words: str, *, see: str) -> Callable[[Callable[[Subject], None]], Callable[[Subject], None]]:
        """State a promise in `words`, documented at `see`; the decorated function checks it and lends its name."""

        def stated(run: Callable[[Subject], None]) -> Callable[[Subject], None]:
            self._checks.append(_Check(run.__name__, words, see, run))
            return run

        return stated

    def checks(self, subject: Subject, title: str) -> list[tuple[str, Callable[[], None]]]:
        """Return each check's name, and a function without arguments that runs it on `subject`."""
        return [(check.name, _bound(check, subject, title)) for check in self._checks]

    def check(self, subject: Subject, title: str) -> dict[str, str]:
        """Run every check. Return those that could not tell, by name, each with its reason.

        Raises `BrokenPromiseError` for the first promise that is broken.
        """
        undecided: dict[str, str] = {}
        for name, run in self.checks(subject, title):
            try:
                run()
            except SkipTest as why:
                undecided[name] = str(why)
        return undecided


def _bound(of: _Check[Subject], subject: Subject, title: str) -> Callable[[], None]:
    def check() -> None:  # a test runner shows the name
        of(subject, title)

    return check


def in_threads(jobs: Iterable[Callable[[], Answer]]) -> list[Answer]:
    """Run `jobs` at the same time, each in a thread of its own, and return their answers in order.

    Raises the first error of a job, and a breach if one does not end within a minute.
    """
    todo = list(jobs)
    answers: dict[int, Answer] = {}
    errors: dict[int, BaseException] = {}
    start = threading.Barrier(len(todo))

    def work(number: int, job: Callable[[], Answer]) -> None:
        try:
            start.wait()
            answers[number] = job()
        except BaseException as error:  # raised again, in the thread that asked
            errors[number] = error

    threads = [threading.Thread(target=work, args=each, daemon=True) for each in enumerate(todo)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_LONGEST_WAIT_S)
    if any(thread.is_alive() for thread in threads):
        breach(f"{len(todo)} threads at the same time", f"one did not end within {_LONGEST_WAIT_S:g} s")
    for number in sorted(errors):
        raise errors[number]
    return [answers[number] for number in range(len(todo))]
