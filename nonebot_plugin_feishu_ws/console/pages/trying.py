"""The test message of a connector's page."""

import re
from collections.abc import Mapping

from fastapi import Response

from ...connectors import ConnectorError, ForeignChat, NoTarget, UnknownConnector
from ...runtime import LONGEST_TEXT, RECEIVER, send_test
from ...texts.console import ConsoleTexts
from . import connectors
from .visit import Notice, Visit


async def send(visit: Visit) -> Response:
    """Send it. If it was not sent, the page says why, with what was typed still in it."""
    text, chat = visit.form.get("text").strip(), visit.form.get("chat_id").strip()
    if problems := _problems(visit.texts, text, chat):
        return await _again(visit, problems)
    try:
        tried = await send_test(visit.management, visit.actor, visit.path("name"), text, chat)
    except UnknownConnector:
        raise
    except (NoTarget, ForeignChat) as error:
        return await _again(visit, {"chat_id": visit.texts.error(error)})
    except ConnectorError as error:
        return await connectors.show(visit, notice=Notice("bad", visit.texts.error(error)))
    notice = Notice("good", visit.texts.sent(tried.message_id, tried.chat))
    return await visit.go(f"/connectors/{tried.connector}", notice)


async def _again(visit: Visit, problems: Mapping[str, str]) -> Response:
    notice = Notice("bad", visit.texts.word("test_look_at_fields"))
    return await connectors.show(visit, notice=notice, problems=problems)


def _problems(texts: ConsoleTexts, text: str, chat: str) -> Mapping[str, str]:
    problems: dict[str, str] = {}
    if not text or len(text) > LONGEST_TEXT:
        problems["text"] = texts.text_length(LONGEST_TEXT)
    if chat and not re.fullmatch(RECEIVER, chat):
        problems["chat_id"] = texts.word("test_chat_problem")
    return problems
