"""The NoneBot bots of running links."""

from collections.abc import Iterator

from nonebot.adapters.feishu import Adapter as StockAdapter

from ..adapter import Bot, Outbound
from ..connectors import Link
from ..delivery import LogAction, LogBook, LogLevel
from ..filters import Policy


class LinkOverseer:
    """Where the bot of a link may send, as its policy stands at that moment; what it says goes into the log."""

    def __init__(self, link: Link, logbook: LogBook) -> None:
        self._link = link
        self._logbook = logbook

    def may_send_to(self, chat_id: str) -> bool:
        """Anywhere, unless the connector names its chats."""
        allowed = self._link.spec.chat_set
        return not allowed or chat_id in allowed

    def said(self, outbound: Outbound) -> None:
        """One row for each message; never what is in it."""
        self._logbook.write(
            LogAction.WS_OUTBOUND,
            level=LogLevel.INFO if outbound.error is None else LogLevel.ERROR,
            connector=self._link.spec.app_id,
            name=self._link.spec.name,
            message_id=outbound.reply_to,
            detail={
                "sent": outbound.message_id,
                "to": outbound.receive_id,
                "type": outbound.msg_type,
                "error": None if outbound.error is None else str(outbound.error),
            },
        )


class Bots:
    """One bot for each link that has been connected, known to NoneBot until the link stops.

    A bot stays while its link reconnects: it can still send.
    """

    def __init__(self, adapter: StockAdapter, logbook: LogBook) -> None:
        self._adapter = adapter
        self._logbook = logbook
        self._pairs: dict[str, tuple[Link, Bot]] = {}

    def __iter__(self) -> Iterator[tuple[Link, Bot]]:
        """Those known now."""
        return iter(tuple(self._pairs.values()))

    async def of(self, link: Link) -> Bot:
        """The bot of a link; waits until the platform has told who it is."""
        identity = await link.identity()
        app_id = link.spec.app_id
        if (known := self._pairs.get(app_id)) is not None:
            if known[0] is link:
                return known[1]
            self.remove(known[0])
        bot = Bot(
            self._adapter,
            app_id,
            client=link.client,
            identity=identity,
            connector=link.spec.name,
            overseer=LinkOverseer(link, self._logbook),
            policy=lambda: Policy.model_validate(link.spec.model_dump(include=set(Policy.model_fields))),
        )
        self._pairs[app_id] = (link, bot)
        self._adapter.bot_connect(bot)
        return bot

    def known(self, link: Link) -> Bot | None:
        """The same without waiting; None: it is not known yet, or the link was stopped."""
        pair = self._pairs.get(link.spec.app_id)
        return None if pair is None or pair[0] is not link or link.stopped else pair[1]

    def link_of(self, bot: Bot) -> Link:
        """The link of a bot.

        Raises:
            KeyError: It has been stopped.
        """
        return self._pairs[bot.self_id][0]

    def link_for(self, app_id: str) -> Link | None:
        """The link of an app's bot, if it has one."""
        known = self._pairs.get(app_id)
        return None if known is None else known[0]

    def remove(self, link: Link) -> None:
        """Take a link's bot away from NoneBot, if it has one."""
        known = self._pairs.get(link.spec.app_id)
        if known is not None and known[0] is link:
            del self._pairs[link.spec.app_id]
            self._adapter.bot_disconnect(known[1])
