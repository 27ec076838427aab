"""One MCP server: connected in the background, its tools as it describes them now."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import cast

from mcp import Client, MCPError, types
from mcp.client.subscriptions import ListenNotSupportedError

from ...mcp_servers import McpServer
from ..tool import Tool, ToolError
from .cleaning import line
from .definition import Unusable, digest_of, tool_of
from .results import text_of
from .transport import hush, way_to

logger = logging.getLogger("nonebot_plugin_feishu_ws.butler")

_MOST_TOOLS = 64
_LONGEST_ERROR = 500  # characters
_MOST_SAID = 8  # of what is left out at each look: names may change with each
_MOST_PAGES = 10
_CALM, _LOOK_EVERY = 0.5, 60.0  # seconds
_WAIT_FIRST, _WAIT_MOST = 1.0, 60.0  # seconds between two tries to connect
_CLOSED_WITHIN = 4.0  # seconds
_DECLINED = frozenset({types.INVALID_PARAMS, types.METHOD_NOT_FOUND})
"""Answers which say that nothing was run. The transport makes up others where it got none."""
_ABOUT_US = types.Implementation(name="nonebot-plugin-feishu-ws", version="0")


class Server:
    """A `Source` of tools.

    Args:
        name: In the settings.
        settings: Its own.
        wait_first: Seconds before it is tried to connect again; twice that, and so on.
        look_every: Seconds between two looks at its tools, if it does not say that they have changed.
        calm: Seconds at least between two looks: a server may say so all the time.
    """

    def __init__(
        self,
        name: str,
        settings: McpServer,
        *,
        wait_first: float = _WAIT_FIRST,
        look_every: float = _LOOK_EVERY,
        calm: float = _CALM,
    ) -> None:
        self._name = name
        self._settings = settings
        self._wait_first = wait_first
        self._look_every = look_every
        self._calm = calm
        self._client: Client | None = None
        self._tools: Mapping[str, Tool] = {}
        self._refused: frozenset[str] = frozenset()
        self._connected = asyncio.Event()
        self._tried = asyncio.Event()
        self._news = asyncio.Event()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # --- a source -----------------------------------------------------------------------------------------------

    @property
    def prefix(self) -> str:
        """See `Source`."""
        return f"{self._name}_"

    def offered(self) -> Iterable[Tool]:
        """See `Source`."""
        return () if self._client is None else tuple(self._tools.values())

    def find(self, name: str) -> Tool | None:
        """See `Source`. While it is away, too: people may go on to decide about its tools."""
        return self._tools.get(name)

    async def ready(self) -> None:
        """See `Source`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.timeout):
                await self._tried.wait()

    # --- its life -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect."""
        hush()
        self._task = asyncio.create_task(self._run(), name=f"feishu-ws mcp {self._name}")

    async def stop(self) -> None:
        """Close the connection; a program is ended."""
        self._closing.set()
        self._news.set()
        if self._task is not None:
            if self._client is None:
                self._task.cancel()
            _, late = await asyncio.wait([self._task], timeout=_CLOSED_WITHIN)
            for task in late:
                task.cancel()
            await asyncio.wait([self._task], timeout=_CLOSED_WITHIN)

    async def _run(self) -> None:
        wait = self._wait_first
        clock = asyncio.get_running_loop().time
        while not self._closing.is_set():
            self._news.clear()
            begun = clock()
            try:
                async with self._connection() as client:
                    await self._follow(client)
            except Exception as error:
                logger.warning(
                    "MCP server %s is not connected: %s; next try in %g s", self._name, _facts(error), wait
                )
            finally:
                self._client = None
                self._connected.clear()
                self._tried.set()
            if not self._closing.is_set():
                wait = self._wait_first if clock() - begun > _WAIT_MOST else wait
                await _pause(self._closing, wait)
                wait = min(2 * wait, _WAIT_MOST)

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncGenerator[Client]:
        client = Client(
            way_to(self._settings, self._news.set),
            read_timeout_seconds=self._settings.timeout,
            message_handler=self._hear,
            client_info=_ABOUT_US,
            cache=None,
        )
        async with contextlib.AsyncExitStack() as stack:
            async with asyncio.timeout(self._settings.timeout):
                await stack.enter_async_context(client)
                await self._look(client)
            self._client = client
            self._connected.set()
            self._tried.set()
            logger.info("MCP server %s is connected: %d tools", self._name, len(self._tools))
            yield client

    async def _follow(self, client: Client) -> None:
        """Look at its tools when it says they have changed, and now and then. Ends with the connection."""
        listening = asyncio.create_task(self._listen(client))
        try:
            while not self._closing.is_set():
                await _pause(self._news, self._look_every)
                await asyncio.sleep(0 if self._closing.is_set() else self._calm)
                self._news.clear()
                if not self._closing.is_set():
                    async with asyncio.timeout(self._settings.timeout):
                        await self._look(client)
        finally:
            listening.cancel()
            await asyncio.wait([listening])

    async def _hear(self, message: object) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            self._news.set()

    async def _listen(self, client: Client) -> None:
        """Newer servers say what changes to whoever has asked; older ones in any case."""
        try:
            async with client.listen(tools_list_changed=True) as changes:
                self._news.set()  # what changed before is not told
                async for _ in changes:
                    self._news.set()
        except ListenNotSupportedError:
            pass
        except Exception as error:
            logger.debug("MCP server %s does not say what changes: %s", self._name, _facts(error))

    # --- its tools ----------------------------------------------------------------------------------------------

    async def _look(self, client: Client) -> None:
        """Take in what it offers."""
        offered: list[types.Tool] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await client.session.list_tools(params=types.PaginatedRequestParams(cursor=cursor))
            offered += page.tools
            cursor = page.next_cursor
            if cursor is None:
                break
        allowed = self._settings.allow
        wanted = [one for one in offered if allowed is None or one.name in allowed]
        known = {tool.contract.digest: tool for tool in self._tools.values() if tool.contract}
        tools: dict[str, Tool] = {}
        refused: set[str] = set()
        for one in wanted[:_MOST_TOOLS]:
            digest = digest_of(self._name, self._settings, one)
            try:
                tool = known.get(digest) or tool_of(self._name, self._settings, one, digest, self._call)
                if tool.name in tools:
                    raise Unusable("another one has its name")
                tools[tool.name] = tool
            except Unusable as error:
                refused.add(f"{one.name[:64]!r}: {error}")
            await asyncio.sleep(0)  # a schema takes a while to be looked through
        if len(wanted) > _MOST_TOOLS:
            refused.add(f"{len(wanted) - _MOST_TOOLS} more than {_MOST_TOOLS}")
        missing = set(allowed or ()) - {one.name for one in offered}
        refused |= {f"{name!r}: it has no such tool" for name in missing}
        for why in sorted(refused - self._refused)[:_MOST_SAID]:
            logger.warning("MCP server %s: a tool is left out, %s", self._name, why)
        self._refused = frozenset(refused)
        self._tools = tools

    async def _call(
        self, offered: types.Tool, digest: str, approved: bool, arguments: Mapping[str, object]
    ) -> str:
        """Call a tool, as it was defined when it was offered or approved.

        Raises:
            ToolError: It was not run, it failed, or nobody knows.
        """
        sent = False
        try:
            async with asyncio.timeout(self._settings.timeout):
                await self._connected.wait()
                client = self._client
                if client is None:
                    raise ToolError("away")
                if approved:
                    await self._look(client)
                self._same(offered, digest)
                sent = True
                result = await client.session.send_request(
                    types.CallToolRequest(
                        params=types.CallToolRequestParams(name=offered.name, arguments=dict(arguments))
                    ),
                    types.CallToolResult,
                )
        except ToolError:
            raise
        except Exception as error:
            self._news.set()  # whether it is still there is looked at
            raise self._failure(error, offered, sent=sent) from None
        text = text_of(result)
        if result.is_error:
            raise ToolError("said", text)
        return text or "Done."

    def _same(self, offered: types.Tool, digest: str) -> None:
        if not any(tool.contract and tool.contract.digest == digest for tool in self._tools.values()):
            logger.warning(
                "MCP server %s has changed its tool %.64r; it was not run", self._name, offered.name
            )
            raise ToolError("tool")

    def _failure(self, error: Exception, offered: types.Tool, *, sent: bool) -> ToolError:
        logger.warning("MCP server %s, tool %.64r: %s", self._name, offered.name, _facts(error))
        if not sent:
            return ToolError("away")
        if isinstance(error, MCPError) and error.code in _DECLINED:
            return ToolError("said", line(error.message, _LONGEST_ERROR))
        slow = isinstance(error, TimeoutError) or (
            isinstance(error, MCPError) and error.code == types.REQUEST_TIMEOUT
        )
        return ToolError("timeout" if slow else "broken", unknown=True)


async def _pause(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, and no longer than that."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _facts(error: BaseException) -> str:
    """What may be said of an error in the log: neither an address nor a server's own words."""
    if isinstance(error, BaseExceptionGroup):
        return _facts(cast("BaseExceptionGroup[BaseException]", error).exceptions[0])
    code = f" {error.code}" if isinstance(error, MCPError) else ""
    return f"{type(error).__name__}{code}"
