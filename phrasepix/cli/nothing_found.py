"""What is said where a search found nothing: why, as far as is known, and what to try."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phrasepix.results import Results
    from retriever.filters import Filters

_OPTIONS = {
    "media_type": "--type",
    "orientation": "--orientation",
    "aspect_ratio": "--aspect",
    "min_width": "--min-width",
    "min_height": "--min-height",
    "colours": "--colour",
    "licence": "--licence",
    "since": "--since",
    "until": "--until",
    "creator": "--creator",
    "category": "--category",
    "exclude_ai": "--no-ai",
    "editors_choice": "--editors-choice",
}
"""The option of each filter that may be loosened, by the filter's name."""


def why_nothing(results: "Results", filters: "Filters", *, unused: bool) -> str:
    """What to say of `results` without matches, which `filters` and perhaps --unused narrowed."""
    tags = ", ".join(results.tags)
    if results.skipped:
        tagged = f" tagged {tags}" if tags else ""
        return f"Nothing can be shown: none of the {len(results.skipped)} pictures{tagged} could be had."
    options = [*_options(filters), *(["--unused"] if unused else [])]
    said = "Nothing found"
    if tags:
        said += f" under {tags}"
    if options:
        said += f" with {_listed(options, 'and')}"
    if results.failures:
        said += f" where there was an answer (none from {_listed([one.title for one in results.failures], 'and')})"
    if not tags and not options:
        return f"{said}: there are no pictures that could be looked at."
    advice = [f"Leave out {_listed(options, 'or')} to see more."] if options else []
    if tags:
        advice.append(_about_tags(results, filters))
    return " ".join([f"{said}.", *advice])


def _options(filters: "Filters") -> list[str]:
    wishes = filters.asked_for()
    options = [option for name, option in _OPTIONS.items() if name in wishes]
    first, last = filters.since, filters.until
    if first and last and (first.year, first.month, first.day, last.month, last.day) == (last.year, 1, 1, 12, 31):
        options = [option for option in options if option != "--until"]
        options[options.index("--since")] = "--year"
    return options


def _about_tags(results: "Results", filters: "Filters") -> str:
    if all(origin.name == "folder" for origin in results.origins):
        return (
            "In a folder a tag is looked for in names and keywords, as whole words; without --tag all pictures are "
            "looked at."
        )
    drawn = " --type all for drawings too," if filters.media_type == "photo" else ""
    return (
        f"A tag is a plain noun as stock sites use them; try a broader one,{drawn} or --lang where it is in "
        "another language."
    )


def _listed(words: list[str], last: str) -> str:
    return f" {last} ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)
