"""What is said where a search found nothing: why, as far as is known, and what to try."""

from typing import TYPE_CHECKING

from phrasepix.sample import SAMPLE_NAME

if TYPE_CHECKING:
    from phrasepix.results import Results
    from retriever.filters import Filters


def why_nothing(results: "Results", filters: "Filters", *, unused: bool) -> str:
    """What to say of `results` without matches, which `filters` and perhaps --unused narrowed."""
    tags = ", ".join(results.tags)
    options = [*_options(filters), *(["--unused"] if unused else [])]
    if none_could_be_had(results, filters, unused=unused):
        tagged = f" tagged {tags}" if tags else ""
        return f"Nothing can be shown: none of the {len(results.skipped)} pictures{tagged} could be had."
    said = "Nothing found"
    if folders := [origin.title for origin in results.origins if origin.name == "folder"]:
        said += f" in {_listed(folders, 'and')}" if len(folders) == len(results.origins) else ""
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


def none_could_be_had(results: "Results", filters: "Filters", *, unused: bool) -> bool:
    """Whether there were pictures, and all of them were skipped."""
    narrowed = unused or bool(_options(filters))
    return not results and bool(results.skipped) and bool(results.pool_size or not narrowed)


def _options(filters: "Filters") -> list[str]:
    """The options that narrow the search, as they are typed, each with its value."""
    wishes = filters.asked_for()
    first, last = filters.since, filters.until
    said = {
        "media_type": f"--type {filters.media_type}",
        "orientation": f"--orientation {filters.orientation}",
        "aspect_ratio": f"--aspect {filters.aspect_ratio or 0:.4g}",
        "min_width": f"--min-width {filters.min_width}",
        "min_height": f"--min-height {filters.min_height}",
        "colours": " ".join(f"--colour {colour}" for colour in filters.colours),
        "licence": " ".join(f"--licence {use}" for use in filters.licence),
        "since": f"--since {first}",
        "until": f"--until {last}",
        "creator": f"--creator {_quoted(filters.creator or '')}",
        "category": f"--category {filters.category}",
        "exclude_ai": "--no-ai",
        "editors_choice": "--editors-choice",
    }
    if first and last and (first.year, first.month, first.day, last.month, last.day) == (last.year, 1, 1, 12, 31):
        said["since"], said["until"] = f"--year {first.year}", ""
    return [option for name, option in said.items() if name in wishes and option]


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text or not text else text


def _about_tags(results: "Results", filters: "Filters") -> str:
    if all(origin.name == "folder" for origin in results.origins):
        return (
            "In a folder a tag is looked for in names and keywords, as whole words; without --tag all pictures are "
            "looked at."
        )
    if all(origin.name == SAMPLE_NAME for origin in results.origins):
        return (
            f"The sample is a toy and has drawn scenes alone: {_drawn()}; its tags are English. For all else leave out "
            "--source sample."
        )
    drawn = " --type all for drawings too," if filters.media_type == "photo" else ""
    return (
        f"A tag is a plain noun as stock sites use them; try a broader one,{drawn} or --lang where it is in "
        "another language."
    )


def _drawn() -> str:
    """What the sample's pictures show, by the first tag of each."""
    from phrasepix.sample.catalogue import Catalogue

    return ", ".join(sorted({picture.tags[0] for picture in Catalogue.load()}))


def _listed(words: list[str], last: str) -> str:
    return f" {last} ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)
