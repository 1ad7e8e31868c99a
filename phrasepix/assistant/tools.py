"""The tools as they are declared: names, what they are for, parameters and answers. They state facts, no orders."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import mcp_types as types

from phrasepix.assistant.answers import Tell, ToolAnswer
from phrasepix.assistant.checking import checked_arguments
from phrasepix.assistant.grid import GRID_URI
from phrasepix.assistant.parameters import MOST_SHOWN, by_parameter, search_parameters
from phrasepix.assistant.toolbox import LARGEST_LOOK, SMALLEST_LOOK, Arguments, Toolbox
from phrasepix.saving.ranks import MOST_AT_A_TIME
from phrasepix.views.insert import INSERT_FORMS
from phrasepix_core.cached_property import cached_property

_SEARCH: Final = {"type": "string", "description": "The id of a search, as search and more_like answer it."}
_RANK: Final = {"type": "integer", "minimum": 1, "description": "The number of a match in that search, from 1."}
_RANKS: Final = {
    "type": "array",
    "items": {"type": "integer", "minimum": 1},
    "minItems": 1,
    "maxItems": MOST_AT_A_TIME,
    "description": f"The numbers of matches in that search, from 1; {MOST_AT_A_TIME} at most.",
}
_RESULTS: Final = {
    "type": "object",
    "description": "The object that the command line writes as JSON, and the id of the search.",
    "properties": {
        "id": {"type": "string"},
        "phrase": {"type": "string"},
        "matches": {"type": "array", "items": {"type": "object"}},
        "failures": {"type": "array", "items": {"type": "object"}},
        "notices": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["id", "matches"],
}


@dataclass(frozen=True, kw_only=True)
class AssistantTool:
    """A tool: how it is declared, and the function that it is."""

    name: str
    title: str
    description: str
    parameters: dict[str, Any]
    """The JSON schema of each parameter."""
    run: Callable[[Arguments, Tell], ToolAnswer]
    required: tuple[str, ...] = ()
    answers: dict[str, Any] | None = None
    """The JSON schema of the structured answer."""
    saves: bool = False
    """Whether it writes files; it adds to them and replaces none."""
    asks_others: bool = False
    """Whether it sends requests to sources."""
    has_grid: bool = False
    """Whether a host that can shows its answer as the grid."""

    @cached_property
    def declared(self) -> types.Tool:
        """As the protocol declares it."""
        return types.Tool(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema={
                "type": "object",
                "properties": self.parameters,
                "required": list(self.required),
                "additionalProperties": False,
            },
            output_schema=self.answers,
            annotations=types.ToolAnnotations(
                title=self.title,
                read_only_hint=not self.saves,
                destructive_hint=False,
                idempotent_hint=True,
                open_world_hint=self.asks_others,
            ),
            _meta={"ui": {"resourceUri": GRID_URI}} if self.has_grid else None,
        )

    def checked(self, given: Arguments) -> Arguments:
        """Return the arguments; one text where several may be given is a list of one.

        Raises `WrongParameterError`, which names the parameter and what is allowed.
        """
        return checked_arguments(self.name, given, self.parameters, self.required)


def tools_of(toolbox: Toolbox) -> dict[str, AssistantTool]:
    """Return the tools by their names; without a root there is none that saves."""
    folder = {"type": "string", "description": "A folder by its path below the root, which need not exist."}
    saved = {
        "type": "string",
        "description": "A folder by its path below the root; what was saved there is shown by its file's name.",
    }
    tools = [
        AssistantTool(
            name="search",
            title="Search for pictures",
            description=(
                "Finds the pictures that show a sentence best. Sources are asked for coarse tags, and an image model "
                "ranks what they have by the whole sentence. Answers numbered matches with fit, title, licence, credit "
                "and page, and the id that the other tools take. Either phrase or like is needed. The pictures "
                "themselves are links; look shows one."
            ),
            parameters=search_parameters(has_root=toolbox.root is not None),
            answers=_RESULTS,
            asks_others=True,
            has_grid=True,
            run=toolbox.search,
        ),
        AssistantTool(
            name="more_like",
            title="Search for more like one",
            description=(
                "Searches with a match as the question: what the same sources have under the same tags that resembles "
                "it, to the model of that search or to another encoder. Answers as search does, with an id of its own."
            ),
            parameters={
                "search": _SEARCH,
                "rank": _RANK,
                "by": by_parameter(has_root=toolbox.root is not None),
                "top": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MOST_SHOWN,
                    "description": "How many to show; by default as many as in that search.",
                },
            },
            required=("search", "rank"),
            answers=_RESULTS,
            asks_others=True,
            has_grid=True,
            run=toolbox.more_like,
        ),
        AssistantTool(
            name="look",
            title="Look at a picture",
            description=(
                f"Shows the picture of one match, {LARGEST_LOOK} pixels at most, with its title, tags, licence and "
                "credit."
            ),
            parameters={
                "search": _SEARCH,
                "rank": _RANK,
                "size": {
                    "type": "integer",
                    "minimum": SMALLEST_LOOK,
                    "maximum": LARGEST_LOOK,
                    "default": LARGEST_LOOK,
                    "description": "Pixels of the longer side, at most.",
                },
            },
            required=("search", "rank"),
            run=toolbox.look,
        ),
        AssistantTool(
            name="sources",
            title="List the sources",
            description=(
                "Lists where pictures can come from: each source's name, whether it is ready, what it needs, its "
                "limits, its licence and the credit it wants."
            ),
            parameters={},
            run=toolbox.sources,
        ),
        AssistantTool(
            name="insert_text",
            title="Credit for a text",
            description=(
                "Answers what puts matches into a text, with the credit that each owes, in the order of the ranks. A "
                "picture is shown by its saved file or by its source's address, if the source wants that; otherwise "
                "there is the credit alone."
            ),
            parameters={
                "search": _SEARCH,
                "ranks": _RANKS,
                "form": {"type": "string", "enum": list(INSERT_FORMS), "description": "The form of the text."},
                **({"folder": saved} if toolbox.root is not None else {}),
            },
            required=("search", "ranks", "form"),
            run=toolbox.insert_text,
        ),
    ]
    if toolbox.root is not None:
        tools.append(
            AssistantTool(
                name="save",
                title="Save pictures",
                description=(
                    "Saves matches into a folder below the root, at the largest size their sources give, each with its "
                    "credit in the file, in CREDITS.md and in credits.json. What is there already is kept and not "
                    "fetched again; nothing is replaced."
                ),
                parameters={"search": _SEARCH, "ranks": _RANKS, "folder": folder},
                required=("search", "ranks"),
                saves=True,
                asks_others=True,
                run=toolbox.save,
            )
        )
    return {tool.name: tool for tool in tools}
