"""The main job through the Python function, on the built-in sample and its real model."""

import logging
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from phrasepix import Filters, find_images, stream_images
from phrasepix.errors import UnknownSourceError
from phrasepix.events import SearchProgress
from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from phrasepix.sample.site import StockSite
from phrasepix.sample.source import SAMPLE
from reranker.errors import UnknownModelError, WrongQueryError
from reranker.memory.embedding_store import EmbeddingStore
from reranker.testing import ColourEncoder
from retriever.errors import KeyMissingError, KeyRefusedError, WrongParameterError
from retriever.testing import ListRetriever, made_candidate

pytestmark = pytest.mark.sample_remembered


def test_the_sentence_of_the_readme_finds_two_red_boats_at_night_in_the_rain() -> None:
    results = find_images("two red boats at night in the rain", tag="boat", source="sample", top=5)
    assert len(results) == 5
    assert [match.rank for match in results] == [1, 2, 3, 4, 5]
    assert {"boat", "night", "rain"} <= set(results[0].candidate.tags)
    assert results[0].score == max(match.score for match in results)
    assert results.pool_size >= 40
    assert results.skipped == ()


@pytest.mark.slow
def test_both_engines_find_the_same() -> None:
    ours, theirs = (
        find_images("two yellow kites by day", tag="kite", source="sample", engine=engine, device="cpu")
        for engine in ("openvino", "torch")
    )
    assert [match.candidate.id for match in ours] == [match.candidate.id for match in theirs]
    assert [match.score for match in ours] == pytest.approx([match.score for match in theirs], abs=1e-5)


def test_scores_fall_with_the_rank_and_lie_between_minus_one_and_one() -> None:
    results = find_images("a blue car", tag="car", source="sample", top=200)
    scores = [match.score for match in results]
    assert scores == sorted(scores, reverse=True)
    assert all(-1 <= score <= 1 for score in scores)
    assert sum(1 + len(match.siblings) for match in results) == results.pool_size


def test_the_same_search_twice_gives_the_same_results() -> None:
    first, second = (find_images("a white cat", tag="cat", source="sample") for _ in range(2))
    assert [(m.candidate.id, m.score) for m in first] == [(m.candidate.id, m.score) for m in second]


@pytest.mark.slow
def test_several_tags_are_merged_and_each_picture_counts_once() -> None:
    both = find_images("a red boat", tag=["boat", "tent", "boat"], source="sample", top=500)
    boat = find_images("a red boat", tag="boat", source="sample", top=500)
    tent = find_images("a red boat", tag="tent", source="sample", top=500)
    identities = [match.candidate.identity for match in both]
    assert len(identities) == len(set(identities))
    assert set(identities) == {m.candidate.identity for m in boat} | {m.candidate.identity for m in tent}
    assert both.tags == ("boat", "tent")
    shared = {m.candidate.id for m in boat} & {m.candidate.id for m in tent}
    assert shared, "the sample has pictures of a boat and a tent"
    assert all(m.candidate.found_by == "boat" for m in both if m.candidate.id in shared)


def test_filters_reach_the_source() -> None:
    results = find_images(
        "a boat", tag="boat", source="sample", top=200, filters=Filters(orientation="vertical", media_type="all")
    )
    assert results
    assert all(match.candidate.height > match.candidate.width for match in results)


def test_the_limit_bounds_the_pool() -> None:
    assert find_images("a boat", tag="boat", source="sample", limit=7, top=50).pool_size == 7


def test_a_tag_without_pictures_is_an_empty_result_and_loads_no_model() -> None:
    results = find_images("a dragon", tag="dragon", source="sample", model="local-dir:/does/not/exist")
    assert len(results) == 0
    assert results.pool_size == 0


def test_pictures_of_matches_are_large_enough_to_look_at() -> None:
    results = find_images("a green apple", tag="apple", source="sample", top=3)
    assert all(min(match.picture.size) >= 300 and match.picture.mode == "RGB" for match in results)


def test_any_server_that_speaks_the_protocol_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with StockSite(PICTURES_DIRECTORY) as site:
        monkeypatch.setenv("PIXABAY_API_URL", site.api_url)
        monkeypatch.setenv("PIXABAY_API_KEY", site.key)
        results = find_images("a red car", tag="car", model="sample", limit=20, top=3)
        assert len(results) == 3
        assert {match.candidate.source for match in results} == {"pixabay"}
        asked = site.served["api"]
        find_images("a blue car", tag="car", model="sample", limit=20, top=3)
        assert site.served["api"] == asked, "an answer is kept for a day"


def test_a_wrong_key_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with StockSite(PICTURES_DIRECTORY) as site, pytest.raises(KeyRefusedError) as caught:
        find_images("a red car", tag="car", key="wrong-secret-key", base_url=site.api_url)
    assert "wrong-secret-key" not in str(caught.value)


def test_no_key_says_where_to_get_one_and_how_to_try_without() -> None:
    with pytest.raises(KeyMissingError, match=r'pixabay\.com/api/docs.*source="sample"'):
        find_images("a tiger", tag="tiger", source="pixabay")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"phrase": "  ", "tag": "boat"}, WrongQueryError, "the phrase is empty"),
        ({"phrase": "a boat", "tag": " "}, WrongParameterError, "the tag is empty"),
        ({"phrase": "the of and"}, WrongParameterError, "no tag can be found in the phrase"),
        ({"phrase": "a boat", "tag": "boat", "top": 0}, WrongQueryError, "top 0"),
        ({"phrase": "a boat", "tag": "boat", "limit": 0}, WrongParameterError, "limit 0"),
        ({"phrase": "a boat", "tag": "boat", "source": "flickr"}, UnknownSourceError, "allowed: pixabay, "),
        (
            {"phrase": "a boat", "tag": "boat", "filters": Filters(language="xx")},
            WrongParameterError,
            "allowed: cs, da",
        ),
        ({"phrase": "a boat", "tag": "boat", "model": "ViT-B-33"}, UnknownModelError, "not known to open_clip"),
        ({"phrase": "a boat", "tag": "boat", "device": "tpu"}, UnknownModelError, "allowed: auto, cpu"),
        ({"phrase": "a boat", "tag": "boat", "engine": "onnx"}, UnknownModelError, "allowed: auto, torch, openvino"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_wrong_input_is_a_clear_error(arguments: dict[str, object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        find_images(**({"source": "sample"} | arguments))  # type: ignore[arg-type]


def test_none_is_no_tag_at_all(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "one.png")
    assert len(find_images("red", tag=None, source=tmp_path, model="sample")) == 1


def test_a_retriever_and_an_encoder_of_ones_own_can_be_used() -> None:
    unreachable = made_candidate(source="mine", url="http://127.0.0.1:9/1.jpg", tags=("boat",))
    results = find_images("a red boat", tag="boat", source=ListRetriever([unreachable], "mine"), model=ColourEncoder())
    assert results.mention == "Pictures from mine"
    assert len(results) == 0
    assert results.pool_size == 1
    assert "not a public address" in results.skipped[0].reason, "its pictures may not come from this machine"


def test_a_photograph_source_with_the_samples_model_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        find_images("a boat", tag="boat", source=ListRetriever([]), model="sample")
    assert "drawn scenes only" in caplog.text


def test_progress_tells_the_steps_and_ends_with_the_whole_pool() -> None:
    seen: list[SearchProgress] = []
    results = find_images("a kite", tag="kite", source="sample", on_progress=seen.append)
    assert seen[0].step.startswith("asking")
    assert seen[-1].done == seen[-1].total == results.pool_size


def test_a_stream_of_results_firms_up_to_what_find_images_returns() -> None:
    stream = list(stream_images("a blue kite at night", tag=["kite", "boat"], source="sample", top=4))
    final = find_images("a blue kite at night", tag=["kite", "boat"], source="sample", top=4)
    assert [results.is_final for results in stream] == [False] * (len(stream) - 1) + [True]
    assert [(m.candidate.id, m.score) for m in stream[-1]] == [(m.candidate.id, m.score) for m in final]
    assert stream[-1].pool_size == final.pool_size
    sizes = [results.pool_size for results in stream]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > 2, "it is seen in several states"
    assert all("so far" in repr(results) for results in stream[:-1])
    assert "so far" not in repr(stream[-1])


def test_a_stream_of_nothing_is_one_final_empty_result() -> None:
    (only,) = stream_images("a dragon", tag="dragon", source="sample", model="local-dir:/does/not/exist")
    assert only.is_final
    assert not only


def test_a_stream_says_at_once_what_is_wrong() -> None:
    with pytest.raises(WrongQueryError, match="top 0"):
        stream_images("a boat", tag="boat", source="sample", top=0)


def test_a_stream_left_early_keeps_what_was_encoded(tmp_path: Path) -> None:
    # An encoder of its own: what the process remembers of another search is not kept on disk again.
    stream = stream_images("a cat", tag=["cat", "car", "tree"], source="sample", model=ColourEncoder())
    for results in stream:
        if results.pool_size >= 30:
            break
    stream.close()  # type: ignore[attr-defined]
    with closing(EmbeddingStore(tmp_path / "cache" / "embeddings.sqlite")) as store:
        assert sum(one.count for one in store.kept()) >= 30


def test_progress_names_the_best_so_far() -> None:
    seen: list[SearchProgress] = []
    results = find_images("a red kite", tag="kite", source="sample", top=3, on_progress=seen.append)
    assert [one.candidate for one in seen[-1].best] == [match.candidate for match in results]


def test_results_are_a_sequence_of_matches() -> None:
    results = find_images("a bus", tag="bus", source="sample", top=4)
    assert [m.rank for m in results[1:3]] == [2, 3]
    assert results[-1].rank == 4
    assert results[0] in results
    assert isinstance(results[0].picture, Image.Image)
    assert "4 of" in repr(results)
    assert SAMPLE.title in repr(results)


NIGHT = "a red boat at night in the fog"


@pytest.mark.slow
def test_matches_say_how_far_they_stand_out_and_a_subject_that_is_not_there_fits_nowhere() -> None:
    fitting = find_images(NIGHT, tag="boat", source="sample", top=5)
    assert fitting.fits_well is True
    assert fitting[0].fit == "clear"
    absent = find_images("two yellow kites by day", tag="cup", source="sample", top=5)
    assert absent.fits_well is False
    assert {match.fit for match in absent} == {"weak"}
    assert len(absent) == 5
    *firming, final = stream_images(NIGHT, tag="boat", source="sample", top=5)
    assert [match.stands_out for match in final] == [match.stands_out for match in fitting]
    assert {results.fits_well for results in firming} == {None}


def test_explained_matches_tell_each_part_of_the_phrase() -> None:
    plain = find_images(NIGHT, tag="boat", source="sample", top=3)
    explained = find_images(NIGHT, tag="boat", source="sample", top=3, explain=True)
    assert [match.candidate.id for match in explained] == [match.candidate.id for match in plain]
    assert all(match.parts == () for match in plain)
    for match in explained:
        assert [part.text for part in match.parts] == ["a red boat", "at night", "in the fog"]
    shown = {part.text: part.fit for part in explained[0].parts}
    assert {"night", "fog"} <= set(explained[0].candidate.tags)
    assert shown == {"a red boat": "clear", "at night": "fair", "in the fog": "fair"}


@pytest.mark.slow
def test_diverse_results_differ_more_and_zero_is_the_plain_order() -> None:
    def grounds(**options: float) -> tuple[list[str], int]:
        found = find_images("a view of a tent", tag="tent", source="sample", top=8, **options)  # type: ignore[arg-type]
        grounds = {"beach", "desert", "forest", "lake", "meadow", "mountains", "snowfield"}
        return [match.candidate.id for match in found], len({tag for m in found for tag in m.candidate.tags} & grounds)

    (plain, few), (zero, _), (spread, many) = grounds(), grounds(diverse=0.0), grounds(diverse=0.75)
    assert zero == plain
    assert spread[0] == plain[0]
    assert many > few


@pytest.mark.slow
def test_a_second_model_refines_what_a_first_one_found() -> None:
    colours = ColourEncoder()
    weak = find_images(NIGHT, tag="boat", source="sample", model=colours, top=60)
    refined = find_images(NIGHT, tag="boat", source="sample", model=colours, refine="sample", refine_top=25, top=60)
    assert (weak.refined_by, refined.refined_by) == ("", "sample")
    assert [match.candidate.id for match in refined][25:] == [match.candidate.id for match in weak][25:]
    assert {match.candidate.id for match in refined[:25]} == {match.candidate.id for match in weak[:25]}
    scores = [match.score for match in refined[:25]]
    assert scores == sorted(scores, reverse=True)
    assert [match.first_score is None for match in refined] == [False] * 25 + [True] * (len(refined) - 25)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"diverse": 1.5}, "diverse 1.5 is out of range"),
        ({"diverse": float("nan")}, "diverse nan is out of range"),
        ({"refine_top": 0}, "refine_top 0 is out of range"),
        ({"refine": "sample"}, "is the model that ranks already"),
        ({"refine": "RN50/openai", "model": "RN50", "pretrained": "openai"}, "RN50/openai is the model that ranks"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_before_anything_is_asked(
    options: dict[str, object], message: str
) -> None:
    def report(progress: SearchProgress) -> None:
        raise AssertionError(progress)

    with pytest.raises(ValueError, match=message):
        find_images("a boat", tag="boat", source="sample", on_progress=report, **options)  # type: ignore[arg-type]
