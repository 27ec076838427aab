"""Feishu's REST as one object: the calls a bot needs, and `request` for all others."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Literal

from .cardkit import CardKit
from .errors import MIB
from .media import FileType, download_of, file_form, file_type_of, image_form
from .messages import (
    Content,
    ReceiveIdType,
    content_text,
    message_path,
    quoted,
    receive_id_type_of,
    uuid_of,
)
from .models import (
    BotInfo,
    Chat,
    Connections,
    Download,
    Member,
    Message,
    Reaction,
    SentMessage,
    UploadedFile,
    UploadedImage,
    parse,
)
from .rest import RestClient, items_of
from .transport import Params, Request

LARGEST_DOWNLOAD = 100 * MIB
"""Bytes; Feishu gives out no larger resource (234037)."""


class FeishuClient(RestClient):
    """The calls a bot needs; `request` is for all others. See `RestClient`.

    Paths in the docstrings are those of open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/.
    """

    @cached_property
    def cards(self) -> CardKit:
        """Card entities (cardkit-v1)."""
        return CardKit(lambda method, path, body: self._data(method, path, json=body))

    # Messages

    async def send_message(
        self,
        receive_id: str,
        msg_type: str,
        content: Content,
        *,
        receive_id_type: ReceiveIdType | None = None,
        uuid: str | None = None,
    ) -> SentMessage:
        """Send to a chat or a user (im-v1/message/create).

        Parameters:
            receive_id_type: inferred from the id if not given, see `receive_id_type_of`.
            uuid: 1–50 characters; Feishu sends at most one message per uuid in an hour, so give the same one
                when you try again. Generated if not given.
        """
        body = {
            "receive_id": receive_id,
            "msg_type": msg_type,
            "content": content_text(content),
            "uuid": uuid_of(uuid),
        }
        params = {"receive_id_type": receive_id_type or receive_id_type_of(receive_id)}
        return parse(SentMessage, await self._data("POST", "im/v1/messages", params, body))

    async def reply_message(
        self,
        message_id: str,
        msg_type: str,
        content: Content,
        *,
        in_thread: bool = False,
        uuid: str | None = None,
    ) -> SentMessage:
        """Reply to a message, in its thread (or a new one) if `in_thread` (im-v1/message/reply)."""
        body = {
            "msg_type": msg_type,
            "content": content_text(content),
            "reply_in_thread": in_thread,
            "uuid": uuid_of(uuid),
        }
        return parse(SentMessage, await self._data("POST", f"{message_path(message_id)}/reply", None, body))

    async def update_card(self, message_id: str, card: Content) -> None:
        """Replace a card of the bot's, within 14 days; both `update_multi: true` (im-v1/message/patch)."""
        await self._data("PATCH", message_path(message_id), None, {"content": content_text(card)})

    async def update_card_by_token(self, token: str, card: Mapping[str, object]) -> None:
        """Replace the card that was clicked: after the click's answer, within 30 minutes, twice.

        Source: open.feishu.cn/document/ukTMukTMukTM/uMDO1YjLzgTN24yM4UjN. `token` is the click's (`c-…`).
        """
        body = {"token": token, "card": card}
        request = replace(self._request("POST", "interactive/v1/card/update", None, body), secrets=(token,))
        await self._caller.json(request)

    async def edit_message(
        self, message_id: str, msg_type: Literal["text", "post"], content: Content
    ) -> None:
        """Replace a text or post of the bot's own, 20 times at most (im-v1/message/update)."""
        await self._data(
            "PUT", message_path(message_id), None, {"msg_type": msg_type, "content": content_text(content)}
        )

    async def delete_message(self, message_id: str) -> None:
        """Recall a message (im-v1/message/delete)."""
        await self._data("DELETE", message_path(message_id))

    async def get_message(self, message_id: str) -> tuple[Message, ...]:
        """The message; for a merge_forward, itself and the forwarded ones (im-v1/message/get)."""
        data = await self._data("GET", message_path(message_id))
        return tuple(parse(Message, item) for item in items_of(data))

    async def list_messages(
        self, container_id: str, kind: Literal["chat", "thread"] = "chat", *, page_size: int = 50
    ) -> AsyncGenerator[Message]:
        """What was said in a chat or a topic, the latest first (im-v1/message/list).

        In a group the app needs `im:message.group_msg`. Of a group's topics a chat's list holds only the first
        message each.

        Parameters:
            page_size: messages of one call, 50 at most.
        """
        params = {
            "container_id_type": kind,
            "container_id": container_id,
            "sort_type": "ByCreateTimeDesc",
            "page_size": page_size,
        }
        async for item in self._listed("im/v1/messages", params):
            yield parse(Message, item)

    async def add_reaction(self, message_id: str, emoji: str) -> str:
        """React with an emoji such as `Typing`; returns the reaction_id (im-v1/message-reaction/create)."""
        body = {"reaction_type": {"emoji_type": emoji}}
        data = await self._data("POST", f"{message_path(message_id)}/reactions", None, body)
        return parse(Reaction, data).reaction_id

    async def remove_reaction(self, message_id: str, reaction_id: str) -> None:
        """Take a reaction of the bot's own back (im-v1/message-reaction/delete)."""
        await self._data("DELETE", f"{message_path(message_id)}/reactions/{quoted(reaction_id)}")

    # Media

    async def upload_image(self, content: bytes, *, file_name: str = "image") -> str:
        """Upload an image for messages, 10 MB at most; returns the image_key (im-v1/image/create)."""
        data = await self._upload("im/v1/images", image_form(content, file_name))
        return parse(UploadedImage, data).image_key

    async def upload_file(
        self,
        content: bytes,
        file_name: str,
        *,
        file_type: FileType | None = None,
        duration: int | None = None,
    ) -> str:
        """Upload a file for messages, 30 MB at most; returns the file_key (im-v1/file/create).

        Parameters:
            file_type: by the name's suffix if not given.
            duration: of audio and video, in milliseconds; without it Feishu shows none.
        """
        form = file_form(content, file_name, file_type or file_type_of(file_name), duration)
        return parse(UploadedFile, await self._upload("im/v1/files", form)).file_key

    async def download_resource(
        self,
        message_id: str,
        file_key: str,
        kind: Literal["image", "file"],
        *,
        max_bytes: int = LARGEST_DOWNLOAD,
    ) -> Download:
        """What a message holds; all but images are a `file` (im-v1/message-resource/get).

        Raises:
            AnswerTooLarge: more than `max_bytes`; no more than that is ever held.
        """
        path = f"{message_path(message_id)}/resources/{quoted(file_key)}"
        return await self.download(path, params={"type": kind}, max_bytes=max_bytes)

    async def download(
        self, path: str, *, params: Params | None = None, max_bytes: int = LARGEST_DOWNLOAD
    ) -> Download:
        """Any call whose answer is a file (im/v1/images/:image_key, im/v1/files/:file_key, drive's …/download).

        Parameters:
            path: as in `request`.

        Raises:
            AnswerTooLarge: more than `max_bytes`; no more than that is ever held.
        """
        request = Request(
            method="GET", path=path, params=params, timeout=self._media_timeout, limit=max_bytes
        )
        return download_of(await self._caller.file(request))

    # The bot and its chats

    async def bot_info(self) -> BotInfo:
        """Who the bot is (bot/v3/info; open.feishu.cn/document/ukTMukTMukTM/uAjMxEjLwITMx4CMyETM)."""
        return parse(BotInfo, (await self.request("GET", "bot/v3/info")).get("bot"))

    async def online_instance_count(self) -> int:
        """Long connections of this app that Feishu sees, ours or anyone's (event-v1/connection/get; 10/s)."""
        return parse(Connections, await self._data("GET", "event/v1/connection")).online_instance_cnt

    async def get_chat(self, chat_id: str) -> Chat:
        """A chat the bot is in (im-v1/chat/get)."""
        return parse(Chat, await self._data("GET", f"im/v1/chats/{quoted(chat_id)}"))

    async def list_chat_members(self, chat_id: str, *, page_size: int = 100) -> AsyncGenerator[Member]:
        """The people in a chat, by open_id; bots are not listed (im-v1/chat-members/get)."""
        async for item in self._listed(
            f"im/v1/chats/{quoted(chat_id)}/members", {"member_id_type": "open_id", "page_size": page_size}
        ):
            yield parse(Member, item)
