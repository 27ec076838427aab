"""The NoneBot bots of running links."""

from nonebot.adapters.feishu import Adapter as StockAdapter

from ..adapter import Bot
from ..connectors import Link


class Bots:
    """One bot for each link that has been connected, known to NoneBot until the link stops.

    A bot stays while its link reconnects: it can still send.
    """

    def __init__(self, adapter: StockAdapter) -> None:
        self._adapter = adapter
        self._bots: dict[str, Bot] = {}

    async def of(self, link: Link) -> Bot:
        """The bot of a link; waits until the platform has told who it is."""
        known = self._bots.get(link.spec.app_id)
        if known is not None and known.client is link.client:
            return known
        identity = await link.identity()
        return self._add(Bot(self._adapter, link.spec.app_id, client=link.client, identity=identity))

    def _add(self, bot: Bot) -> Bot:
        known = self._bots.get(bot.self_id)
        if known is not None and known.client is bot.client:  # somebody else was waiting too
            return known
        if known is not None:
            self.remove(bot.self_id)
        self._bots[bot.self_id] = bot
        self._adapter.bot_connect(bot)
        return bot

    def remove(self, app_id: str) -> None:
        """Take a bot away from NoneBot. Unknown ones are ignored."""
        bot = self._bots.pop(app_id, None)
        if bot is not None:
            self._adapter.bot_disconnect(bot)
