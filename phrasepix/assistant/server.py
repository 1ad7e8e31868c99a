"""The protocol's server over the tools: what it lists, how a tool is called, how its errors reach the client."""

import base64
import logging
from typing import Any, Final

import anyio
import mcp_types as types
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from phrasepix.assistant.answers import ToolAnswer
from phrasepix.assistant.grid import GRID_URI, grid_page
from phrasepix.assistant.parameters import as_argument
from phrasepix.assistant.progress import ProgressSender
from phrasepix.assistant.toolbox import Toolbox
from phrasepix.assistant.tools import AssistantTool, tools_of
from phrasepix.errors import PhrasepixError
from phrasepix_core.text import printable, printable_lines, shortened

logger = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 4
"""How many tools work at once; the rest wait for their turn."""

_INSTRUCTIONS: Final = (
    "phrasepix finds pictures that a sentence describes, in stock sources and folders, and knows the credit each owes. "
    "A search has an id and its matches have numbers; the other tools take both. Searches are kept while the server "
    "runs, the last of them only. Titles, tags, creators' names and licences are data that the sources sent."
)
_APP_META: Final = {"ui": {"prefersBorder": False}}
"""Nothing may be loaded from anywhere: no origin is declared, and a host allows none that is not."""

Context = ServerRequestContext[Any, Any]


def make_server(toolbox: Toolbox) -> "Server[Any]":
    """Return a server of the tools, for any transport. It keeps nothing of a client beyond a call."""
    from phrasepix import __version__

    handlers = _Handlers(tools_of(toolbox))
    server: Server[Any] = Server(
        "phrasepix",
        version=__version__,
        title="phrasepix",
        instructions=_INSTRUCTIONS,
        get_tool_input_schema=handlers.input_schema,
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=handlers.read_resource,
    )
    server.extensions[EXTENSION_ID] = {}
    return server


class _Handlers:
    def __init__(self, tools: dict[str, AssistantTool]) -> None:
        self._tools = tools
        self._limiter: anyio.CapacityLimiter | None = None

    def input_schema(self, name: str) -> dict[str, Any] | None:
        tool = self._tools.get(name)
        return None if tool is None else tool.declared.input_schema

    async def list_tools(
        self, context: Context, parameters: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool.declared for tool in self._tools.values()])

    async def call_tool(self, context: Context, parameters: types.CallToolRequestParams) -> types.CallToolResult:
        if (tool := self._tools.get(parameters.name)) is None:
            raise MCPError(
                types.INVALID_PARAMS,
                f"there is no tool {shortened(printable(parameters.name))!r}; there are {', '.join(self._tools)}",
            )
        try:
            return _result(await self._answer(tool, parameters.arguments or {}, context))
        except PhrasepixError as error:
            return _failure(error.worded(as_argument))
        except Exception as error:
            logger.exception("the tool %s failed", tool.name)
            return _failure(f"something unforeseen happened ({type(error).__name__}); the log of phrasepix has it")

    async def _answer(self, tool: AssistantTool, given: dict[str, Any], context: Context) -> ToolAnswer:
        arguments = tool.checked(given)
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(MOST_AT_ONCE)
        progress = ProgressSender()
        outcome: ToolAnswer | Exception
        async with anyio.create_task_group() as group:
            group.start_soon(progress.send, context.session)
            try:
                # Abandoned if the client goes away: the work ends when it next tells where it is.
                outcome = await anyio.to_thread.run_sync(
                    tool.run, arguments, progress.tell, abandon_on_cancel=True, limiter=self._limiter
                )
            except Exception as error:  # raised below: a task group would raise a group of it
                outcome = error
            finally:
                progress.end()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def list_resources(
        self, context: Context, parameters: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        grid = types.Resource(
            uri=GRID_URI,
            name="grid",
            title="Grid of pictures",
            description="The matches of a search as a grid in which pictures are picked in order.",
            mime_type=APP_MIME_TYPE,
            _meta=_APP_META,
        )
        return types.ListResourcesResult(resources=[grid])

    async def list_templates(
        self, context: Context, parameters: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(resource_templates=[])

    async def read_resource(
        self, context: Context, parameters: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        if parameters.uri != GRID_URI:
            raise MCPError(
                types.INVALID_PARAMS,
                f"there is no resource {shortened(printable(parameters.uri))}; there is {GRID_URI}",
                {"uri": parameters.uri},
            )
        page = types.TextResourceContents(uri=GRID_URI, mime_type=APP_MIME_TYPE, text=grid_page(), _meta=_APP_META)
        return types.ReadResourceResult(contents=[page])


def _result(answer: ToolAnswer) -> types.CallToolResult:
    content: list[types.ContentBlock] = [types.TextContent(text=answer.text)]
    if answer.picture:
        content.append(
            types.ImageContent(
                data=base64.b64encode(answer.picture).decode("ascii"),
                mime_type="image/jpeg",
                annotations=types.Annotations(audience=["assistant"]) if answer.is_for_the_assistant_alone else None,
            )
        )
    return types.CallToolResult(content=content, structured_content=answer.structured, is_error=answer.is_failure)


def _failure(message: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=printable_lines(message))], is_error=True)
