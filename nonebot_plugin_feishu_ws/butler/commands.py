"""The brain that needs no model: the first word names a tool, the rest are its arguments."""

import difflib
from collections.abc import Callable, Mapping, Sequence

from ..adapter import ActionFailed, NetworkError
from ..openapi import FeishuError
from ..texts import Texts
from ..texts.approvals import ApprovalTexts
from .approvals import AskRefused, refusal
from .arguments import UnbalancedQuotes, UsageError, bind, split_words
from .tools import Tool, ToolError, ToolRegistry
from .turn import Turn


class ToolFailed(Exception):  # noqa: N818 - it says what is the case
    """Feishu did not do what a tool asked of it. That does not keep the answer from being delivered."""


class CommandsBrain:
    """Answers `help`, `status`, `whoami` and every registered tool.

    Args:
        tools: What can be called.
        command_starts: Prefixes that may precede a command (NoneBot's `COMMAND_START`), so that `/help` is `help`.
        taken: Whether another plugin has taken this turn's message. A command nobody here knows is then not ours to
            complain about.
    """

    def __init__(
        self,
        tools: ToolRegistry,
        *,
        command_starts: Sequence[str],
        taken: Callable[[Turn], bool],
    ) -> None:
        self._tools = tools
        self._starts = sorted((start for start in command_starts if start), key=len, reverse=True)
        self._taken = taken

    async def answer(self, turn: Turn) -> None:
        """Run the command the turn holds and say what came of it."""
        line = turn.text.strip()
        if not line:  # a picture or so; another plugin that has seen it is likely to be meant
            if not self._taken(turn):
                await turn.say(turn.texts.only_text(), final=True)
            return
        start = next((start for start in self._starts if line.startswith(start)), "")
        try:
            words = split_words(line.removeprefix(start))
        except UnbalancedQuotes:
            if not (start and self._taken(turn)):
                await turn.say(turn.texts.unbalanced_quotes(), final=True)
            return
        name = words[0].lower() if words else ""
        await self._tools.ready(name)
        if answer := await self._answer_itself(name, words[1:], turn):
            await turn.say(answer, final=True)
        elif tool := self._tools.get(name):
            await self._run(tool, words[1:], turn)
        elif not (start and self._taken(turn)):
            await turn.say(
                turn.texts.unknown_command(words[0] if words else line, self._similar(name, turn.texts)),
                final=True,
            )

    async def _answer_itself(self, name: str, words: Sequence[str], turn: Turn) -> str | None:
        texts = turn.texts
        if name == "help":
            return self._help_on(words[0], turn) if words else await self._help(turn)
        if name == "status":
            return turn.status()
        if name == "whoami":
            return texts.whoami(who(turn))
        return None

    async def _help(self, turn: Turn) -> str:
        """What whoever asks can use."""
        texts, rows = turn.texts, own_commands(turn.texts)
        for tool in self._tools:
            if await tool.permits(turn):
                summary = tool.spoken(texts.locale).summary.rstrip(".。")  # as in a list
                rows.append((tool.usage, summary + _mark(tool, texts)))
        return texts.help(turn.bot.bot_info.app_name, rows)

    def _help_on(self, word: str, turn: Turn) -> str:
        texts, name = turn.texts, word.lower()
        if found := self._tools.get(name):
            tool = found.spoken(texts.locale)
            rows = [(p.name, p.kind, p.about) for p in tool.parameters]
            return texts.help_on(tool.usage, tool.description + _mark(tool, texts), rows)
        if name in (own := dict(own_commands(texts))):
            return texts.help_on(name, own[name], ())
        return texts.unknown_command(word, self._similar(name, texts))

    async def _run(self, tool: Tool, words: Sequence[str], turn: Turn) -> None:
        if not await tool.permits(turn):
            await turn.say(ApprovalTexts(turn.texts.locale).not_permitted(tool.name))
            return
        try:
            arguments = bind(tool, words, turn.texts)
        except UsageError as error:
            await turn.say(turn.texts.bad_arguments(error.problems, tool.usage), final=True)
            return
        if tool.terms.requires_approval:
            await turn.say(await _ask(tool, arguments, turn))
            return
        try:
            result = await tool.run(turn, arguments)
        except ToolError as error:
            head = ApprovalTexts(turn.texts.locale).error(error.reason)
            await turn.say(f"{head}\n{error.said}".strip(), final=True)
            return
        except (ActionFailed, FeishuError, NetworkError) as error:
            raise ToolFailed(tool.name) from error
        await turn.say(turn.texts.done() if result is None else str(result), final=True)

    def _similar(self, word: str, texts: Texts) -> list[str]:
        names = [name for name, _ in own_commands(texts)] + [tool.name for tool in self._tools]
        return difflib.get_close_matches(word, names, n=3, cutoff=0.6)


async def _ask(tool: Tool, arguments: Mapping[str, object], turn: Turn) -> str:
    """Have a call approved; what to say about that."""
    texts = ApprovalTexts(turn.texts.locale)
    if turn.asking is None:
        return texts.not_permitted(tool.name)
    try:
        row, jury = await turn.asking.ask(turn, tool, arguments)
    except AskRefused as error:
        return refusal(texts, tool.name, error)
    others = len(jury.besides(turn.open_id))
    return texts.waits(tool.name, row.id, texts.jury(others, anyone=jury.anyone), row.expires_at)


def _mark(tool: Tool, texts: Texts) -> str:
    return ApprovalTexts(texts.locale).needs_approval() if tool.terms.requires_approval else ""


def own_commands(texts: Texts) -> list[tuple[str, str]]:
    """The commands the Butler answers itself, with their one-line summaries."""
    return [
        ("help", texts.summary_help()),
        ("status", texts.summary_status()),
        ("whoami", texts.summary_whoami()),
        ("stop", texts.summary_stop()),
    ]


def who(turn: Turn) -> list[tuple[str, str]]:
    """The ids an administrator needs for allow-lists: who speaks, where, to which app."""
    sender = turn.event.event.sender.sender_id
    ids = [
        ("open_id", sender.open_id),
        ("user_id", sender.user_id),
        ("union_id", sender.union_id),
        ("chat_id", turn.chat_id),
        ("thread_id", turn.thread_id or ""),
        ("app_id", turn.app_id),
    ]
    return [(name, value) for name, value in ids if value]
