"""A property that is computed once an object: by one thread, without holding up other objects."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from phrasepix_core.cached_property import cached_property


class Slow:
    def __init__(self) -> None:
        self.began, self.go_on = threading.Event(), threading.Event()
        self.computed = 0

    @cached_property
    def value(self) -> int:
        """The number."""
        self.computed += 1
        self.began.set()
        assert self.go_on.wait(30)
        return self.computed


class Failing:
    tries = 0

    @cached_property
    def value(self) -> int:
        self.tries += 1
        if self.tries == 1:
            raise ValueError("not yet")
        return self.tries


def test_threads_that_ask_one_object_wait_for_the_first_and_others_do_not() -> None:
    slow, other = Slow(), Slow()
    other.go_on.set()
    with ThreadPoolExecutor(3) as threads:
        asked = [threads.submit(lambda: slow.value) for _ in range(3)]
        assert slow.began.wait(30)
        assert other.value == 1
        slow.go_on.set()
        assert [one.result(30) for one in asked] == [1, 1, 1]
    assert slow.computed == 1


def test_a_computation_that_fails_is_tried_again() -> None:
    failing = Failing()
    with pytest.raises(ValueError, match="not yet"):
        _ = failing.value
    assert (failing.value, failing.value, failing.tries) == (2, 2, 2)


def test_what_was_computed_can_be_pickled_and_the_property_has_its_words() -> None:
    failing = Failing()
    failing.tries = 1
    assert failing.value == 2
    assert vars(pickle.loads(pickle.dumps(failing))) == {"tries": 2, "value": 2}  # our own
    assert Slow.value.__doc__ == "The number."
