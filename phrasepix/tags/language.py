"""Which language a phrase is in, where nobody says."""

import logging
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

import regex

from phrasepix.tags.vocabulary import known_in, stop_words
from phrasepix_core.text import same_text
from retriever.languages import USUAL_LANGUAGE

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

logger = logging.getLogger(__name__)

# fmt: off
DETECTED = (
    "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hu", "id", "it", "ja",
    "ko", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sv", "th", "tr", "uk", "vi", "zh",
)
# fmt: on
"""Those that sources are asked in, and those with a script of their own; of each the stop words are known."""

_WORD = regex.compile(r"\p{L}[\p{L}\p{M}]*")
_SURE = 0.8
"""From this confidence on the detector's word is taken for it."""
_POSSIBLE, _LIKELY = 0.1, 0.4


def language_of(phrase: str) -> str:
    """The language of a phrase, one of `DETECTED`; English where it is not clear.

    A few words tell a detector little: “kimono girl” looks Italian to any. So a phrase is English where a dictionary of
    English has all its words, and the detector is asked of others alone. Where it is not sure, the stop words of the
    languages it takes for possible decide: dictionaries take a second each to read, and tell no more phrases in Latin
    letters. Languages in Cyrillic ones share stop words, and dictionaries tell them apart.
    """
    words = _WORD.findall(same_text(phrase).lower())
    is_latin = 2 * sum(_is_latin(word) for word in words) >= len(words)
    english = _share_known(words, USUAL_LANGUAGE) if is_latin else 0.0
    if english == 1.0:
        return USUAL_LANGUAGE
    ranked: list[tuple[str, float]] = _detector().rank(" ".join(words))
    likeliest, confidence = ranked[0]
    if confidence < _SURE:
        possible = [one for one in ranked if one[1] >= _POSSIBLE] or ranked[:1]
        share = _share_of_stop_words if is_latin else _share_known
        fit, confidence, likeliest = max((share(words, one) + sure, sure, one) for one, sure in possible)
        if is_latin and (confidence < _LIKELY or fit <= english):
            logger.debug("the phrase's language is not clear (%s: %.2f); taken for English", likeliest, confidence)
            return USUAL_LANGUAGE
    return likeliest


def _is_latin(word: str) -> bool:
    return word[0].isascii() or unicodedata.name(word[0], "").startswith("LATIN")


def _share_known(words: list[str], language: str) -> float:
    """The share of the words that a dictionary of the language has; 1 of none, 0 if there is no dictionary."""
    return sum(known_in(word, language) for word in words) / len(words) if words else 1.0


def _share_of_stop_words(words: list[str], language: str) -> float:
    """The share of the words that are stop words of the language."""
    return sum(word in stop_words(language) for word in words) / len(words)


@cache
def _detector() -> "LanguageIdentifier":
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # its model takes 0.4 s

    detector = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    detector.set_languages(DETECTED)
    return detector
