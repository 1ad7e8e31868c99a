"""Tags found in a phrase, for whoever gives none: words and grammar alone, no model.

A phrase is cut into chunks where its stop words stand (`chunks`); what each chunk is about becomes a tag (`derive`).
The words of a language come from stopwordsiso's lists and from `words.toml` (`vocabulary`), dictionary forms from
simplemma. Which language it is, where nobody says, is found out by `language`.
"""

from phrasepix.tags.derive import DerivedTag, derived_tags
from phrasepix.tags.language import language_of

__all__ = ["DerivedTag", "derived_tags", "language_of"]
