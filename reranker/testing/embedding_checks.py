"""What an encoder promises: embeddings of one kind, the same in every batch, and a name that tells encoders apart."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from phrasepix_core.contracts import demand, in_threads, nothing_to_check, shown
from phrasepix_core.text import printable
from reranker.baseline_prompts import NEUTRAL_PHRASES
from reranker.encoder import (
    DeclaresFamily,
    Embeddings,
    Encoder,
    EncodesSideBySide,
    KeepsOneTower,
    KnowsTexts,
    LoadsAhead,
    PreparesPictures,
    SharesImageTower,
    image_tower_name,
)
from reranker.families import FAMILIES
from reranker.testing.trial import (
    CONTRACT,
    EMBEDDINGS,
    ENCODE_PICTURES,
    ENCODE_TEXTS,
    ENCODER,
    TEXTS,
    EncoderTrial,
    made_pictures,
)

_UNIT_TO_WITHIN = 0.02
"""How far from 1 the norm of a row may be, as of `reranker.encoder.checked_rows`."""
_ODD_TEXTS = {
    "an empty text": "",
    "blanks": "  ",
    "another script": "虎が雪で遊ぶ",
    "from right to left": "نمر في الثلج",
    "an emoji": "🐅👩\u200d🚀",
    "a line break": "a boat\nat night\t",
    "punctuation": "?!… — “”",
    "a very long word": "x" * 5000,
    "a very long text": "a tiger plays in the snow " * 200,
}


@CONTRACT.promise("it has the members of the protocol, of the promised kinds", see=ENCODER)
def has_the_members(trial: EncoderTrial) -> None:
    """`name` is a line of text, `dimensions` and `input_side` are counts."""
    encoder = trial.encoder
    name = encoder.name
    demand(isinstance(name, str) and bool(name) and printable(name) == name, "the property name", shown(name))
    for member in ("dimensions", "input_side"):
        number = getattr(encoder, member)
        is_count = isinstance(number, int) and not isinstance(number, bool) and number >= 1
        demand(is_count, f"the property {member}", shown(number))


@CONTRACT.promise("one float32 row of `dimensions` numbers a text", see=ENCODE_TEXTS)
def encodes_texts(trial: EncoderTrial) -> None:
    """A list and a tuple."""
    if not trial.reads_texts:
        nothing_to_check("it reads no texts")
    trial.demand_equal(trial.texts(list(TEXTS)), trial.texts(TEXTS), "the same texts as a list and as a tuple")


@CONTRACT.promise("one float32 row of `dimensions` numbers a picture", see=ENCODE_PICTURES)
def encodes_pictures(trial: EncoderTrial) -> None:
    """A list and a tuple."""
    pictures = made_pictures()
    given = "the same pictures as a list and as a tuple"
    trial.demand_equal(trial.pictures(pictures), trial.pictures(tuple(pictures)), given)


@CONTRACT.promise("each row is finite and of L2 norm 1", see=EMBEDDINGS)
def gives_unit_rows(trial: EncoderTrial) -> None:
    """To within what half precision costs."""
    for what, rows in (("texts", trial.texts(TEXTS)), ("pictures", trial.pictures(made_pictures()))):
        _demand_unit_rows(rows, f"encode_{what}")


def _demand_unit_rows(rows: Embeddings, given: str) -> None:
    norms = np.linalg.norm(rows.astype(np.float64), axis=1)
    is_unit = bool(np.all(np.abs(norms - 1) <= _UNIT_TO_WITHIN))  # False for NaN
    demand(
        is_unit, given, f"rows of the norms {np.round(norms, 3).tolist()}; reranker.encoder.unit_rows makes unit rows"
    )


@CONTRACT.promise("nothing in, nothing out: an array [0, dimensions]", see=ENCODER)
def takes_nothing(trial: EncoderTrial) -> None:
    """No texts, no pictures, nothing prepared."""
    trial.texts([])
    trial.pictures([])
    if isinstance(trial.encoder, PreparesPictures):
        trial.rows(trial.encoder.encode_prepared([]), 0, "encode_prepared([])")


@CONTRACT.promise("what was encoded once gets the same embedding again", see=ENCODER)
def repeats_itself(trial: EncoderTrial) -> None:
    """Also after the other tower was at work."""
    texts, pictures = trial.texts(TEXTS), trial.pictures(made_pictures())
    trial.demand_equal(trial.texts(TEXTS), texts, "the same texts twice")
    trial.demand_equal(trial.pictures(made_pictures()), pictures, "the same pictures twice")


@CONTRACT.promise("an embedding does not depend on what else is in the batch", see=ENCODER)
def ignores_the_batch(trial: EncoderTrial) -> None:
    """One by one, and all at once."""
    one_by_one = np.concatenate([trial.texts([text]) for text in TEXTS])
    trial.demand_equal(trial.texts(TEXTS), one_by_one, f"{len(TEXTS)} texts at once, and one by one")
    pictures = made_pictures()
    one_by_one = np.concatenate([trial.pictures([picture]) for picture in pictures])
    trial.demand_equal(trial.pictures(pictures), one_by_one, f"{len(pictures)} pictures at once, and one by one")


@CONTRACT.promise("rows come in the order of the texts and pictures", see=ENCODER)
def keeps_the_order(trial: EncoderTrial) -> None:
    """Forwards and backwards, and more than any batch that an encoder splits off."""
    trial.demand_equal(trial.texts(TEXTS[::-1]), trial.texts(TEXTS)[::-1], "texts backwards")
    pictures = made_pictures()
    rows = trial.pictures(pictures)
    trial.demand_equal(trial.pictures(pictures[::-1]), rows[::-1], "pictures backwards")
    order = np.random.default_rng(8).integers(0, len(pictures), 80)
    trial.demand_equal(trial.pictures([pictures[place] for place in order]), rows[order], f"{len(order)} pictures")


@CONTRACT.promise("pictures that look nothing alike get different embeddings", see=ENCODE_PICTURES)
def looks_at_pictures(trial: EncoderTrial) -> None:
    """Otherwise no ranking means anything."""
    rows = trial.pictures(made_pictures())
    differ = bool(np.abs(rows[2] - rows[3]).max() > trial.tolerance)
    demand(differ, "encode_pictures of stripes and of a plain red picture", "one embedding for both")


@CONTRACT.promise("a picture of another mode counts as what convert('RGB') makes of it", see=ENCODE_PICTURES)
def takes_other_modes(trial: EncoderTrial) -> None:
    """Grey, with a palette, with transparency."""
    for mode in ("L", "P", "RGBA", "LA", "1", "CMYK", "I;16"):
        picture = made_pictures()[0].convert("L").convert(mode) if mode == "I;16" else made_pictures()[0].convert(mode)
        expected = trial.pictures([picture.convert("RGB")])
        trial.demand_equal(trial.pictures([picture]), expected, f"encode_pictures of one of the mode {mode}")


@CONTRACT.promise("a picture of any size gets an embedding", see=ENCODE_PICTURES)
def takes_any_size(trial: EncoderTrial) -> None:
    """One pixel, one row, one column, a thread, and nearly no content or none: white."""
    for size in ((1, 1), (100, 1), (1, 100), (3, 2), (1500, 1000), (20_000, 100)):
        given = f"encode_pictures of two of {size[0]} × {size[1]} pixels, the second white"
        pictures = [Image.new("RGB", size, colour) for colour in ((90, 120, 60), "white")]
        _demand_unit_rows(trial.pictures(pictures, given), given)


@CONTRACT.promise("a picture is not changed by being encoded", see=ENCODE_PICTURES)
def leaves_pictures_alone(trial: EncoderTrial) -> None:
    """It is shown afterwards."""
    pictures = made_pictures()
    trial.pictures(pictures)
    if isinstance(trial.encoder, PreparesPictures):
        for picture in pictures:
            trial.encoder.prepare_picture(picture)
    for before, after in zip(made_pictures(), pictures, strict=True):
        is_same = (before.mode, before.size) == (after.mode, after.size) and before.tobytes() == after.tobytes()
        demand(is_same, f"encode_pictures of one of {before.size}", f"a changed picture, {after.mode} {after.size}")


@CONTRACT.promise("any text gets an embedding", see=ENCODE_TEXTS)
def takes_any_text(trial: EncoderTrial) -> None:
    """Empty, long, of any script."""
    if not trial.reads_texts:
        nothing_to_check("it reads no texts")
    for what, text in _ODD_TEXTS.items():
        given = f"encode_texts of {what}: {shown(text):.60}"
        _demand_unit_rows(trial.texts([text], given), given)


@CONTRACT.promise("its name stays the same", see=f"{ENCODER}.name")
def keeps_its_name(trial: EncoderTrial) -> None:
    """What is remembered is remembered under it."""
    before = trial.encoder.name, image_tower_name(trial.encoder), trial.encoder.dimensions
    trial.texts(TEXTS)
    trial.pictures(made_pictures())
    after = trial.encoder.name, image_tower_name(trial.encoder), trial.encoder.dimensions
    demand(before == after, "name, name of the image tower and dimensions, after encoding", f"{before}, then {after}")


@CONTRACT.promise("encoders of one name give the same embeddings", see=f"{ENCODER}.name")
def is_known_by_its_name(trial: EncoderTrial) -> None:
    """Weights and preprocessing are in the name; so are those of the image tower in the image tower's."""
    if not trial.others:
        nothing_to_check("there is nothing to compare with; others=[…] names encoders of other weights, and one again")
    for other in trial.others:
        rival = EncoderTrial(other, (), trial.tolerance)
        texts, pictures = _alike(trial, rival)
        if image_tower_name(other) == image_tower_name(trial.encoder):
            demand(pictures, f"pictures, by two encoders whose image tower is {image_tower_name(other)!r}", _OTHER)
        if other.name == trial.encoder.name:
            demand(texts and pictures, f"texts and pictures, by two encoders of the name {other.name!r}", _OTHER)


_OTHER = "other embeddings from the second: the name must tell weights and preprocessing"


def _alike(one: EncoderTrial, other: EncoderTrial) -> tuple[bool, bool]:
    """Whether two encoders give the same embeddings of texts, and of pictures."""
    if one.encoder.dimensions != other.encoder.dimensions:
        return False, False
    texts = np.allclose(one.texts(TEXTS), other.texts(TEXTS), rtol=0, atol=one.tolerance)
    pictures = np.allclose(one.pictures(made_pictures()), other.pictures(made_pictures()), rtol=0, atol=one.tolerance)
    return texts, pictures


@CONTRACT.promise("it may be called from any thread, by one at a time", see=ENCODER)
def serves_other_threads(trial: EncoderTrial) -> None:
    """From a thread that did not make it."""
    texts, pictures = trial.texts(TEXTS), trial.pictures(made_pictures())
    ((of_texts, of_pictures),) = in_threads([lambda: (trial.texts(TEXTS), trial.pictures(made_pictures()))])
    trial.demand_equal(of_texts, texts, "encode_texts in another thread")
    trial.demand_equal(of_pictures, pictures, "encode_pictures in another thread")


@CONTRACT.promise(
    "pictures may be prepared by many threads, and are then encoded the same", see="reranker.encoder.PreparesPictures"
)
def prepares_pictures(trial: EncoderTrial) -> None:
    """While the image tower is at earlier ones."""
    encoder = trial.encoder
    if not isinstance(encoder, PreparesPictures):
        nothing_to_check("it prepares no pictures")
    pictures = made_pictures() * 4
    expected = trial.pictures(pictures)
    with ThreadPoolExecutor(4) as threads:
        encoding = threads.submit(trial.pictures, pictures)
        prepared = list(threads.map(encoder.prepare_picture, pictures))
        trial.demand_equal(encoding.result(), expected, "encode_pictures while others are prepared")
    rows = trial.rows(encoder.encode_prepared(prepared), len(prepared), f"encode_prepared of {len(prepared)} pictures")
    trial.demand_equal(rows, expected, "encode_prepared of prepared pictures, and encode_pictures")


@CONTRACT.promise("known texts have the embeddings that encode_texts gives", see="reranker.encoder.KnowsTexts")
def knows_texts_as_it_encodes_them(trial: EncoderTrial) -> None:
    """None if it does not know them all."""
    encoder = trial.encoder
    if not isinstance(encoder, KnowsTexts):
        nothing_to_check("it knows no texts")
    some = NEUTRAL_PHRASES[:8]
    if (known := encoder.known_texts(some)) is not None:
        given = f"known_texts and encode_texts of {len(some)} texts"
        trial.demand_equal(trial.rows(known, len(some), given), trial.texts(some), given)
    unknown = [*some, "phrasepix never encodes this phrase ahead"]
    if (known := encoder.known_texts(unknown)) is not None:
        given = "known_texts of one that it cannot know"
        demand(len(known) == len(unknown), given, f"{len(known)} rows for {len(unknown)} texts, not None")
        trial.demand_equal(trial.rows(known, len(unknown), given), trial.texts(unknown), given)


@CONTRACT.promise("loading ahead and keeping both towers change no embedding", see="reranker.encoder.LoadsAhead")
def loads_its_towers_at_any_time(trial: EncoderTrial) -> None:
    """Leaves an encoder that keeps one tower with one."""
    encoder = trial.encoder
    if not isinstance(encoder, LoadsAhead | KeepsOneTower):
        nothing_to_check("it neither loads ahead nor keeps one tower")
    texts, pictures = trial.texts(TEXTS), trial.pictures(made_pictures())

    def demand_the_same(given: str) -> None:
        trial.demand_equal(trial.pictures(made_pictures()), pictures, f"encode_pictures after {given}")
        trial.demand_equal(trial.texts(TEXTS), texts, f"encode_texts after {given}")

    if isinstance(encoder, LoadsAhead):
        encoder.load_image_tower()
        demand_the_same("load_image_tower()")
    if isinstance(encoder, KeepsOneTower):
        for both in (True, False):
            encoder.keep_both_towers(both)
            demand_the_same(f"keep_both_towers({both})")


@CONTRACT.promise(
    "texts encoded while pictures are encoded have the same embeddings, and the pictures too",
    see="reranker.encoder.EncodesSideBySide",
)
def encodes_side_by_side(trial: EncoderTrial) -> None:
    """By two threads; one that keeps one tower is told to hold both meanwhile."""
    encoder = trial.encoder
    if not isinstance(encoder, EncodesSideBySide):
        nothing_to_check("it does not say that it encodes texts and pictures side by side")
    texts, pictures = trial.texts(TEXTS), trial.pictures(made_pictures())
    keeps_one = encoder if isinstance(encoder, KeepsOneTower) else None
    if keeps_one is not None:
        keeps_one.keep_both_towers(True)
    try:
        if not encoder.encodes_side_by_side:
            nothing_to_check("it encodes them one after the other")
        with ThreadPoolExecutor(1) as thread:
            for _ in range(4):
                encoding = thread.submit(trial.pictures, made_pictures())
                trial.demand_equal(trial.texts(TEXTS), texts, "encode_texts while pictures are encoded")
                trial.demand_equal(encoding.result(), pictures, "encode_pictures while texts are encoded")
    finally:
        if keeps_one is not None:
            keeps_one.keep_both_towers(False)


@CONTRACT.promise(
    "its family is written as phrasepix writes it, or is another, or is not known",
    see="reranker.encoder.DeclaresFamily",
)
def declares_its_family(trial: EncoderTrial) -> None:
    """A known family in another spelling would lose the words for scores."""
    encoder = trial.encoder
    if not isinstance(encoder, DeclaresFamily):
        nothing_to_check("it declares no family")
    family = encoder.family
    demand(family is None or isinstance(family, str), "the property family", shown(family))
    plain = "".join(letter for letter in (family or "").casefold() if letter.isalnum())
    is_plain = family is None or family in FAMILIES or (plain not in FAMILIES and printable(family) == family)
    demand(is_plain, "the property family", f"{family!r}; known: {', '.join(FAMILIES)}")


@CONTRACT.promise("an image tower that is shared has a name of its own", see="reranker.encoder.SharesImageTower")
def names_its_image_tower(trial: EncoderTrial) -> None:
    """A line of text."""
    encoder: Encoder = trial.encoder
    if not isinstance(encoder, SharesImageTower):
        nothing_to_check("it shares no image tower")
    name = encoder.image_tower_name
    is_line = isinstance(name, str) and bool(name) and printable(name) == name
    demand(is_line, "the property image_tower_name", shown(name))
