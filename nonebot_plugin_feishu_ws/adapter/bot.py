"""The bot NoneBot's plugins get: the stock one's interface on our REST client."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any
from urllib.parse import quote
from weakref import WeakValueDictionary

from nonebot.adapters import Adapter as BaseAdapter
from nonebot.adapters import Event as BaseEvent
from nonebot.adapters import feishu as stock
from nonebot.adapters.feishu import log
from nonebot.adapters.feishu.config import BotConfig
from nonebot.adapters.feishu.models import BotInfo as StockBotInfo
from nonebot.adapters.feishu.models import Reply
from nonebot.message import handle_event
from nonebot.utils import escape_tag
from pydantic import HttpUrl
from typing_extensions import override

from ..filters import Policy
from ..openapi import BotInfo, FeishuClient, FeishuError
from .answering import CardTurn, CardWriter
from .calls import call
from .card_action import CardActionEvent
from .mentions import note_mention, note_nickname
from .normalise import as_object, as_objects, quoted_message
from .outbound import Overseer, Sending, say
from .outgoing import repaired
from .send import Sendable, send

QUOTE_TIMEOUT = 2.0
"""Seconds an event waits for the message it quotes; without it `event.reply` is None."""


class Bot(stock.Bot):
    """One connector as NoneBot sees it.

    Parameters:
        adapter: the registered Feishu adapter, ours or the stock one (see `ensure_adapter`).
        self_id: the app id.
        client: the app's REST client.
        identity: the bot itself, as `client.bot_info()` gives it.
        connector: the connector's name.
        policy: whom the connector listens to now.
        overseer: decides where messages may go, and is told of every one sent through `call_api` or `send`.
    """

    platform = "feishu"
    # Alconna's target selection asks for this attribute; NoneBot's Bot would make an API call of the name.

    def __init__(
        self,
        adapter: BaseAdapter,
        self_id: str,
        *,
        client: FeishuClient,
        identity: BotInfo,
        connector: str,
        overseer: Overseer | None = None,
        policy: Callable[[], Policy] = Policy,
    ) -> None:
        config = BotConfig(
            app_id=self_id,
            app_secret="",
            verification_token="",
            is_lark=client.base_url.removesuffix("/").endswith(".larksuite.com"),
            api_base=HttpUrl(client.base_url),
            protocol="ws",
        )
        super().__init__(adapter, self_id, bot_config=config, bot_info=_stock_info(identity))  # pyright: ignore[reportArgumentType] (never more than BaseAdapter is used)
        self.client = client
        self.identity = identity
        self.connector = connector
        self.policy = policy
        self._overseer = overseer
        self.live_cards: dict[str, CardWriter] = {}
        """Messages whose cards stream now: by message id, how another card is shown in their place."""
        self._turns: WeakValueDictionary[str, CardTurn] = WeakValueDictionary()

    async def perform(self, api: str, data: Mapping[str, Any]) -> Any:
        """Carry out one API call for the adapter; NoneBot's hooks have run. Plugins use `call_api`."""
        perform = partial(call, self.client, api)
        sending = Sending.of(api, data)
        if sending is None:
            return await perform(data)
        return await say(perform, sending, data, self.connector, self._overseer)

    @override
    async def send(
        self,
        event: BaseEvent,
        message: Sendable,
        *,
        at_sender: bool = False,
        reply_message: bool = True,
        uuid: str | None = None,
        in_thread: bool | None = None,
        **kwargs: Any,
    ) -> Any:
        """Answer an event: reply to its message, in its topic if it has one.

        If that message is gone, or with `reply_message=False`, the answer is a new message in the chat.
        Text, mentions, pictures and rich text are one message; what needs its own (files, cards …) follows.

        Parameters:
            at_sender: mention whoever caused the event, unless the chat is direct.
            reply_message: quote the message answered.
            uuid: up to 46 characters; Feishu sends at most one message per uuid in an hour, so give the same
                one when you try again. Made from event and content if not given, so that an event which is handled
                again after a crash shows nothing twice.
            in_thread: answer in the message's topic, opening one if need be. Default: if it is in one.

        Returns:
            Feishu's answer for the (first) message sent: `["data"]["message_id"]` and so on.

        Raises:
            ActionFailed, NetworkError: see `call_api`.
            ValueError: the message is empty, or the event has neither a message nor a chat.
        """
        return await send(
            self,
            event,
            message,
            at_sender=at_sender,
            reply_message=reply_message,
            uuid=uuid,
            in_thread=in_thread,
            **kwargs,
        )

    @override
    async def send_msg(
        self,
        receive_id_type: str,
        receive_id: str,
        content: str,
        msg_type: str,
        uuid: str | None = None,
    ) -> Any:
        """As the stock bot, at most once per `uuid` (generated if not given)."""
        part = repaired(msg_type, content)
        body = {"receive_id": receive_id, "msg_type": part.msg_type, "content": part.content}
        return await self.call_api(
            "im/v1/messages",
            method="POST",
            params={"receive_id_type": receive_id_type},
            json={**body, "uuid": uuid} if uuid else body,
        )

    @override
    async def reply_msg(self, message_id: str, content: str, msg_type: str, uuid: str | None = None) -> Any:
        """As the stock bot, at most once per `uuid` (generated if not given)."""
        part = repaired(msg_type, content)
        return await super().reply_msg(message_id, part.content, part.msg_type, uuid)

    @override
    async def edit_msg(self, message_id: str, content: str, msg_type: str) -> Any:
        """As the stock bot."""
        part = repaired(msg_type, content)
        return await super().edit_msg(message_id, part.content, part.msg_type)

    @override
    async def handle_event(self, event: stock.Event) -> None:
        """Complete an event and run NoneBot's matchers on it to the end."""
        await self.prepare(event)
        await self.run(event)

    async def prepare(self, event: stock.Event) -> None:
        """Complete an event: to_me, the bot's mention and nickname taken off, the quoted message, late answers.

        Waits for the quoted message, `QUOTE_TIMEOUT` at most. To be called once.
        """
        self.complete(event)
        if isinstance(event, stock.MessageEvent) and event.event.message.parent_id:
            event.reply = await self._quoted(event)

    def complete(self, event: stock.Event) -> None:
        """`prepare` without the quoted message: there is nothing to wait for. To be called once."""
        if isinstance(event, stock.MessageEvent):
            self.client.learn(event.message_id, event.event.message.chat_id)
            note_mention(event, self.identity.open_id)
            note_nickname(event, self.config.nickname)
        elif isinstance(event, CardActionEvent):
            message_id = event.message_id or ""
            turn = self._turns.setdefault(message_id, CardTurn())
            event.bind(self.client, turn, partial(self.live_cards.get, message_id))

    async def run(self, event: stock.Event) -> None:
        """Run NoneBot's matchers on a prepared event; returns when all handlers are done."""
        async with event.handled() if isinstance(event, CardActionEvent) else nullcontext():
            await handle_event(self, event)

    async def _quoted(self, event: stock.MessageEvent) -> Reply | None:
        parent_id = event.event.message.parent_id
        if not parent_id or parent_id == event.message_id:
            return None
        try:
            async with asyncio.timeout(QUOTE_TIMEOUT):
                body = await self.client.request("GET", f"im/v1/messages/{quote(parent_id, safe='')}")
        except (FeishuError, TimeoutError) as error:
            log(
                "DEBUG",
                f"No message to quote for {escape_tag(event.message_id)}: {escape_tag(repr(error))}",
            )
            return None
        items = as_objects(as_object(body.get("data")).get("items"))
        return Reply.model_validate(quoted_message(items[0])) if items else None


def _stock_info(identity: BotInfo) -> StockBotInfo:
    facts: Mapping[str, Any] = {
        "activate_status": identity.activate_status or 0,
        "app_name": identity.app_name,
        "avatar_url": identity.avatar_url,
        "ip_white_list": [],
        "open_id": identity.open_id,
    }
    try:
        return StockBotInfo.model_validate(facts)
    except ValueError:  # a bot without an avatar
        return StockBotInfo.model_construct(**facts)
