"""What Feishu answers, typed. Unknown fields are dropped, missing ones have the type's empty value."""

from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from .errors import Facts, ServerError

_M = TypeVar("_M", bound="Model")


def _or_empty(value: object) -> object:
    return "" if value is None else value


Text = Annotated[str, BeforeValidator(_or_empty)]


class Model(BaseModel):
    """Frozen; numbers in strings (Feishu's habit) become numbers, null texts become empty."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class SentMessage(Model):
    """A message the bot has sent (im-v1/message/create, …/reply)."""

    message_id: str
    chat_id: Text = ""
    msg_type: Text = ""
    root_id: Text = ""
    parent_id: Text = ""
    thread_id: Text = ""
    create_time: int | None = None
    """Milliseconds since 1970."""


class Sender(Model):
    """Users have `id_type` open_id, bots app_id; `sender_type`: `user`, `app`, `anonymous`, `unknown`."""

    id: Text = ""
    id_type: Text = ""
    sender_type: Text = ""
    tenant_key: Text = ""


class Mention(Model):
    """Someone mentioned; `key` (`@_user_1`) stands for them in the text."""

    key: str
    id: Text = ""
    id_type: Text = ""
    name: Text = ""


class Message(SentMessage):
    """A message as im-v1/message/get gives it; `content` is the JSON text of the message type."""

    update_time: int | None = None
    deleted: bool = False
    updated: bool = False
    sender: Sender = Sender()
    content: Annotated[Text, Field(validation_alias=AliasPath("body", "content"))] = ""
    mentions: Annotated[tuple[Mention, ...], BeforeValidator(lambda value: value or ())] = ()
    upper_message_id: Text = ""


class BotInfo(Model):
    """The bot itself (bot/v3/info). `activate_status` 2 is "enabled"; the others are reasons why not."""

    open_id: str
    app_name: Text = ""
    avatar_url: Text = ""
    activate_status: int | None = None


class Chat(Model):
    """A chat (im-v1/chat/get). `chat_mode`: `group`, `topic`, `p2p`; hidden counts are None."""

    name: Text = ""
    description: Text = ""
    avatar: Text = ""
    owner_id: Text = ""
    owner_id_type: Text = ""
    chat_mode: Text = ""
    chat_type: Text = ""
    group_message_type: Text = ""
    chat_status: Text = ""
    external: bool = False
    tenant_key: Text = ""
    user_count: int | None = None
    bot_count: int | None = None


class Member(Model):
    """A person in a chat (im-v1/chat-members/get; bots are not listed)."""

    member_id: str
    member_id_type: Text = ""
    name: Text = ""
    tenant_key: Text = ""


class Reaction(Model):
    """A reaction the bot has added (im-v1/message-reaction/create)."""

    reaction_id: str


class UploadedImage(Model):
    """im-v1/image/create."""

    image_key: str


class UploadedFile(Model):
    """im-v1/file/create."""

    file_key: str


class CardEntity(Model):
    """cardkit-v1/card/create, …/id_convert."""

    card_id: str


class Connections(Model):
    """event-v1/connection/get."""

    online_instance_cnt: int


@dataclass(frozen=True, slots=True)
class Download:
    """A downloaded resource; `content_type` and `file_name` as the server gave them, empty if it did not."""

    content: bytes = field(repr=False)
    content_type: str = ""
    file_name: str = ""


def parse(model: type[_M], value: object) -> _M:
    """The model of an answer that claimed success.

    Raises:
        ServerError: a field the model cannot do without is missing or of another type.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        fields = ", ".join(
            ".".join(map(str, item["loc"])) or "(body)" for item in error.errors(include_input=False)
        )
        # Not chained: pydantic's text quotes the input, which is somebody's message.
        raise ServerError(Facts(msg=f"code 0, but {model.__name__} has no valid {fields}")) from None
