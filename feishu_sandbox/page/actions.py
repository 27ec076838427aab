"""What a person does on the page, by `fetch`: JSON in, JSON out; what changed comes on the event stream."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import BodyPartReader, web

from ..world import MESSAGE_TYPES, App, Chat, Message, User
from .compose import NotAnObjectError, mentioned, parse_content, post_content
from .markup import clean
from .nodes import as_list, as_map
from .platform import PAGE, Page
from .routes import texts_of
from .texts import Texts

__all__ = ["MAX_UPLOAD", "click", "media", "react", "say", "upload", "withdraw"]

MAX_UPLOAD = 30 * 1024 * 1024
"""Bytes of one file (Feishu "上传文件": 30 MB)."""
IMAGES: Mapping[bytes, str] = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
}
Json = dict[str, Any]


class Refused(Exception):  # noqa: N818 - an answer, not a defect
    """The action cannot be done; `text` is for the person."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.text = text
        self.status = status


Action = Callable[[Page, User, Mapping[str, Any], Texts], Awaitable[Json]]


def _action(do: Action) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handler(request: web.Request) -> web.StreamResponse:
        texts = texts_of(request)
        try:
            body = as_map(json.loads(await request.text()))
            return web.json_response(
                await do(request.app[PAGE], request.app[PAGE].user(body.get("user")), body, texts)
            )
        except KeyError:
            return web.json_response({"error": texts.unknown_thing}, status=404)
        except Refused as refused:
            return web.json_response({"error": refused.text}, status=refused.status)
        except (ValueError, RecursionError):
            return web.json_response({"error": texts.bad_json}, status=400)

    return handler


async def _say(page: Page, user: User, body: Mapping[str, Any], texts: Texts) -> Json:
    chat = page.chat(body.get("chat"), user)
    text, kind = clean(body.get("text")).strip(), body.get("type")
    if not text:
        raise Refused(texts.nothing_to_say)
    members = [one for one in page.members(chat) if one is not user]
    picked = [page.member(str(key)) for key in as_list(body.get("mentions")) if key != "all"]
    named = mentioned(text, members, picked)
    answers = _answers(page, user, chat, body)
    if kind == "raw":
        message = await page.world.say(
            user, chat, msg_type=_msg_type(body), content=_content(text, texts), **answers
        )
    elif kind == "post":
        content = post_content(text, named)
        message = await page.world.say(
            user, chat, msg_type="post", content=content, mentions=named, **answers
        )
    else:
        text = text.replace(f"@{texts.everyone}", "@_all") if chat.chat_type == "group" else text
        message = await page.world.say(user, chat, text, mentions=named, **answers)
    return {"message_id": message.message_id}


def _msg_type(body: Mapping[str, Any]) -> str:
    msg_type = clean(body.get("msg_type"))
    if msg_type not in MESSAGE_TYPES:
        raise Refused(f"msg_type: {', '.join(MESSAGE_TYPES)}")
    return msg_type


def _content(text: str, texts: Texts) -> Json:
    try:
        return parse_content(text)
    except NotAnObjectError as problem:
        raise Refused(texts.json_not_object if problem.valid else texts.bad_json) from None


def _answers(page: Page, user: User, chat: Chat, body: Mapping[str, Any]) -> Json:
    """What the message replies to, as `World.say` takes it; any `thread` of a message without one opens one."""
    if not body.get("reply_to"):
        return {}
    parent = page.message(body["reply_to"], user)
    if parent.chat is not chat:
        raise KeyError(body["reply_to"])
    return {"reply_to": parent, "thread": clean(body.get("thread")) or None}


async def _click(page: Page, user: User, body: Mapping[str, Any], texts: Texts) -> Json:
    message = page.message(body.get("message_id"), user)
    if not isinstance(message.sender, App) or message.msg_type != "interactive":
        raise Refused(texts.not_a_bots_card)
    result = await page.world.click(user, message.message_id, dict(as_map(body.get("action"))))
    told: Json = {}
    if result.toast is not None:
        content = as_map(result.toast.get("i18n")).get(texts.locale) or result.toast.get("content")
        told["toast"] = {"type": clean(result.toast.get("type")) or "info", "content": clean(content)}
    if result.error is not None:
        told["toast"] = {"type": "error", "content": texts.click_failed(result.error.code, result.error.msg)}
        told["code"] = result.error.code
    return told


async def _react(page: Page, user: User, body: Mapping[str, Any], _: Texts) -> Json:
    """Put the reaction on the message, or take the person's own off again."""
    message, emoji = page.message(body.get("message_id"), user), clean(body.get("emoji"))
    mine = any(one.by is user and one.emoji == emoji for one in message.reactions)
    change = page.world.unreact if mine else page.world.react
    await change(user, message.message_id, emoji)
    return {"mine": not mine}


async def _withdraw(page: Page, user: User, body: Mapping[str, Any], texts: Texts) -> Json:
    message: Message = page.message(body.get("message_id"), user)
    if message.sender is not user:
        raise Refused(texts.unknown_thing, 403)
    page.world.recall(message)
    return {}


say, click, react, withdraw = _action(_say), _action(_click), _action(_react), _action(_withdraw)


async def upload(request: web.Request) -> web.StreamResponse:
    """A file chosen in the composer: kept in the sandbox's store and sent. Query as for `say`."""
    page, texts = request.app[PAGE], texts_of(request)
    try:
        user = page.user(request.query.get("user"))
        chat = page.chat(request.query.get("chat"), user)
        answers = _answers(page, user, chat, request.query)
    except KeyError:
        return web.json_response({"error": texts.unknown_thing}, status=404)
    part = await (await request.multipart()).next()
    if not isinstance(part, BodyPartReader):
        return web.json_response({"error": texts.bad_json}, status=400)
    data = bytearray()
    while chunk := await part.read_chunk(256 * 1024):
        data += chunk
        if len(data) > MAX_UPLOAD:
            return web.json_response({"error": texts.too_large}, status=413)
    image = request.query.get("kind") == "image" and bool(_image_type(bytes(data)))
    name = clean(part.filename)[:200] or "file"
    kind = _image_type(bytes(data)) or "application/octet-stream"
    resource = page.world.add_resource(user, "image" if image else "file", bytes(data), name, kind)
    content = {"image_key": resource.key} if image else {"file_key": resource.key, "file_name": name}
    message = await page.world.say(
        user, chat, msg_type="image" if image else "file", content=content, **answers
    )
    return web.json_response({"message_id": message.message_id})


async def media(request: web.Request) -> web.StreamResponse:
    """An image of the store to look at, any other file to download. Only raster images are shown inline."""
    resource = request.app[PAGE].world.resources.get(request.match_info["key"])
    if resource is None:
        raise web.HTTPNotFound
    kind = _image_type(resource.data) if resource.kind == "image" else ""
    headers = {"Content-Security-Policy": "default-src 'none'; sandbox"}
    if not kind:
        headers["Content-Disposition"] = "attachment"
    return web.Response(body=resource.data, content_type=kind or "application/octet-stream", headers=headers)


def _image_type(data: bytes) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in IMAGES.items() if data.startswith(magic)), "")
