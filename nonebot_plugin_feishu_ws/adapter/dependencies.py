"""What plugins can ask for as parameters of their handlers: the connector, and clients of Feishu's REST."""

from dataclasses import dataclass
from typing import Any

from nonebot.params import Depends

from ..filters import Policy
from .bot import Bot
from .lark import lark_client


@dataclass(frozen=True, slots=True)
class ConnectorInfo:
    """The connector that received an event; nothing of it is secret.

    Attributes:
        name: the connector's.
        app_id: its app.
        domain: its platform, such as `https://open.feishu.cn/`.
        policy: whom it listens to, as it stands now.
    """

    name: str
    app_id: str
    domain: str
    policy: Policy


def CurrentConnector() -> Any:  # noqa: N802 (NoneBot writes dependencies so)
    """The connector that received the event, as `ConnectorInfo`."""
    return Depends(_connector)


def FeishuClient() -> Any:  # noqa: N802
    """The REST client of the connector that received the event: an `openapi.FeishuClient`."""
    return Depends(_client)


def LarkClient() -> Any:  # noqa: N802
    """lark_oapi's typed client of the connector that received the event: a `lark_oapi.Client`.

    Its calls are those to be awaited (`acreate` …); they raise as `FeishuClient` does. lark_oapi is imported when the
    first handler asks for this, which takes seconds.
    """
    return Depends(_lark)


async def _connector(bot: Bot) -> ConnectorInfo:
    return ConnectorInfo(bot.connector, bot.self_id, bot.client.base_url, bot.policy())


async def _client(bot: Bot) -> Any:
    return bot.client


async def _lark(bot: Bot) -> Any:
    return await lark_client(bot.client)
