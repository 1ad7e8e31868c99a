"""Processes forked while a thread encodes texts: the child waits for no lock of a thread that it does not have."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.drawn_folder import draw_scenes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forked with threads here alone")

_BEGIN = """
import os, sys, threading, warnings
warnings.simplefilter("ignore")  # Python's own, of threads and forks
import numpy as np
from reranker.testing import ColourEncoder

class Slow(ColourEncoder):
    '''Encodes texts when it may, and says when it begins.'''
    def __init__(self):
        super().__init__()
        self.begun, self.may_go_on = threading.Event(), threading.Event()
    def encode_texts(self, texts):
        if os.getpid() == parent:
            self.begun.set()
            assert self.may_go_on.wait(60)
        return super().encode_texts(texts)

parent = os.getpid()

def forked(work):
    '''The exit code of a child that does the work: 7 if that is true.'''
    if not (child := os.fork()):
        code = 1
        try:
            code = 7 if work() else 2
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""

_TEXTS = """
from reranker.text_cache import TextEmbeddingCache
encoder = Slow()
texts = TextEmbeddingCache(encoder)
threads = [threading.Thread(target=texts.phrase, args=(one,)) for one in ("red", "blue", "red")]
for thread in threads:
    thread.start()
assert encoder.begun.wait(60)
def work():
    with texts.search("a search"):
        rows = [texts.phrase("red"), texts.phrase("green"), texts.neutral(None)[0]]
    return texts.expect(["yellow"]) and all(row.shape == (encoder.dimensions,) for row in rows)
print(forked(work))
encoder.may_go_on.set()
for thread in threads:
    thread.join()
print(texts.phrase("red").shape == (encoder.dimensions,))
"""

_FINDER = """
from phrasepix import SearchRequest, find_images
from phrasepix.finder import default_finder
encoder = Slow()
def search(phrase, model):
    return [match.candidate.id for match in find_images(phrase, source=sys.argv[1], model=model)]
search("green", ColourEncoder())  # a module that a thread imports amid a fork, no child can import: Python's own lock
thread = threading.Thread(target=search, args=("red", encoder))
thread.start()
assert encoder.begun.wait(60)
print(forked(lambda: len(search("red", encoder)) == len(search("blue", ColourEncoder())) > 0))
encoder.may_go_on.set()
thread.join()
print(len(search("red", encoder)) > 0)
"""

_MODULES = """
from contextlib import ExitStack
from phrasepix import finder
from phrasepix_core.cached_property import cached_property
from reranker.engine import runtime
from reranker.memory.encoded_pictures import EncodedPictures
from reranker.models.model_spec import ModelSpec
from phrasepix.models.shelf import ModelShelf
import pickle

class Lazy:
    def __init__(self):
        self.begun, self.may_go_on = threading.Event(), threading.Event()
    @cached_property
    def value(self):
        if os.getpid() == parent:
            self.begun.set()
            assert self.may_go_on.wait(60)
        return 3

lazy, pictures, loaded = Lazy(), EncodedPictures(), ModelShelf()._loaded_encoder(ColourEncoder())
begun, may_go_on = threading.Event(), threading.Event()
def hold():
    with ExitStack() as held:
        for lock in (finder._making, runtime._importing, pictures._lock, pictures.showing._lock, loaded._making):
            held.enter_context(lock)
        begun.set()
        assert may_go_on.wait(60)
threads = [threading.Thread(target=hold), threading.Thread(target=lambda: lazy.value)]
for thread in threads:
    thread.start()
assert begun.wait(60) and lazy.begun.wait(60)
def work():
    finder.default_finder()
    with runtime._importing:
        pass
    pictures.get_all(())
    assert pictures.showing.do("a", lambda: None, lambda one: True) is None
    return loaded.reranker is not None and lazy.value == 3 and not any("computed" in key for key in vars(lazy))
print(forked(work))
lazy.may_go_on.set()
may_go_on.set()
for thread in threads:
    thread.join()
print(lazy.value == 3 and finder.default_finder() is not None)
"""


@pytest.mark.parametrize("script", [_TEXTS, _FINDER, _MODULES], ids=["texts", "finder", "modules"])
def test_a_child_forked_while_a_thread_encodes_texts_encodes_them_itself(script: str, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    draw_scenes(tmp_path / "pictures")
    done = subprocess.run(
        [sys.executable, "-c", _BEGIN + script, str(tmp_path / "pictures")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.split() == ["7", "True"], done.stderr


_WITH_A_MODEL = """
from phrasepix import Finder, SearchRequest
finder = Finder()
texts = finder.loaded_model("sample")
begun, may_go_on = threading.Event(), threading.Event()
def hold():
    with texts.in_use, texts.encoder._text_tower._tower._lock, texts.encoder._image_tower._tower._lock:
        begun.set()
        assert may_go_on.wait(60)
thread = threading.Thread(target=hold)
thread.start()
assert begun.wait(60)
from reranker.errors import ForkedProcessError
def work():
    try:
        texts.phrase("a red boat that is read by nobody else")
    except ForkedProcessError:
        return True
print(forked(work))
may_go_on.set()
thread.join()
print(texts.phrase("a red boat").shape == (192,))
"""


def test_a_child_whose_parent_holds_a_model_of_openvino_is_told_so_and_does_not_wait() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _BEGIN + _WITH_A_MODEL], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.split() == ["7", "True"], done.stderr
