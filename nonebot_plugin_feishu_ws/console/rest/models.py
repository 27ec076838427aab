"""What is sent and answered, as OpenAPI describes it. What a field accepts is decided by `ConnectorSpec` alone."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic.config import JsonDict

from ...connectors import SECRETS as _SECRETS
from ...connectors import Connector, ConnectorSpec, Reported, error_of, standing_of, state_of, values_of
from ...runtime import LONGEST_TEXT, RECEIVER


def _says(field: str) -> str:
    return ConnectorSpec.model_fields[field].description or ""


class Body(BaseModel):
    """What is sent: nothing but these fields, with exactly these types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


Bounds = Annotated[int, Field(ge=0, le=1000)]


class ConnectorFields(Body):
    """Fields that may be left out; null is the default."""

    verification_token: SecretStr | None = Field(default=None, description=_says("verification_token"))
    encrypt_key: SecretStr | None = Field(default=None, description=_says("encrypt_key"))
    domain: str | None = Field(default=None, description=_says("domain"), examples=["feishu"])
    transport: str | None = Field(default=None, description=_says("transport"), examples=["ws"])
    owner: str | None = Field(default=None, description=_says("owner"), examples=["ou_7d8a6e6df7621556"])
    approvers: list[str] | None = Field(default=None, description=_says("approvers"), examples=[["*"]])
    proxy: SecretStr | None = Field(default=None, description=_says("proxy"))
    allow_dm: bool | None = Field(default=None, description=_says("allow_dm"), examples=[True])
    allow_group_mention: bool | None = Field(
        default=None, description=_says("allow_group_mention"), examples=[True]
    )
    mention_required: bool | None = Field(
        default=None, description=_says("mention_required"), examples=[True]
    )
    allowed_chat_ids: list[str] | None = Field(
        default=None, description=_says("allowed_chat_ids"), examples=[["oc_5ad11d72b830411d"]]
    )
    user_whitelist: list[str] | None = Field(default=None, description=_says("user_whitelist"), examples=[[]])
    prefix_command: str | None = Field(default=None, description=_says("prefix_command"), examples=["/ai"])
    ignore_bot_messages: bool | None = Field(
        default=None, description=_says("ignore_bot_messages"), examples=[True]
    )
    rate_limit_per_minute: Bounds | None = Field(
        default=None, description=_says("rate_limit_per_minute"), examples=[20]
    )

    def given(self) -> dict[str, Any]:
        """What was sent, as the service takes it."""
        values = {name: getattr(self, name) for name in self.model_fields_set}
        return {name: _default(name) if value is None else value for name, value in values.items()}


def _default(name: str) -> Any:
    field = ConnectorSpec.model_fields[name]
    return None if field.is_required() else field.default


_NAME: JsonDict = {"pattern": "^[a-z0-9-]{1,32}$"}
_APP_ID: JsonDict = {"pattern": "^[A-Za-z0-9_-]{1,64}$"}


class NewConnector(ConnectorFields):
    """A connector to be added; it is neither verified nor enabled yet."""

    name: str = Field(description=_says("name"), examples=["butler"], json_schema_extra=_NAME)
    app_id: str = Field(
        description=_says("app_id"), examples=["cli_a1b2c3d4e5f6a7b8"], json_schema_extra=_APP_ID
    )
    app_secret: SecretStr = Field(description=_says("app_secret"), examples=["(App Secret)"])


class ConnectorChanges(ConnectorFields):
    """What is to change. Other credentials (`app_id`, `app_secret`, `domain`) ask for a new verification."""

    name: str | None = Field(default=None, description=_says("name"), examples=["butler"])
    app_id: str | None = Field(default=None, description=_says("app_id"), examples=["cli_a1b2c3d4e5f6a7b8"])
    app_secret: SecretStr | None = Field(
        default=None, description=_says("app_secret"), examples=["(App Secret)"]
    )


class Enabling(Body):
    """Whether a connector shall be connected, now and after every restart."""

    enabled: bool = Field(examples=[True])


class TextToSend(Body):
    """A text to be sent."""

    text: str = Field(min_length=1, max_length=LONGEST_TEXT, examples=["Hello from REST"])
    chat_id: str | None = Field(
        default=None,
        pattern=RECEIVER,
        description=(
            "a chat or a person; default: the first of allowed_chat_ids, else where the bot was last spoken to"
        ),
        examples=["oc_5ad11d72b830411d"],
    )


class Deciding(Body):
    """A decision about an approval."""

    approved: bool = Field(examples=[True])


# --- answers --------------------------------------------------------------------------------------------------

State = Literal["disconnected", "connecting", "connected", "reconnecting", "blocked", "disabled"]


class Standing(BaseModel):
    """How something is connected."""

    state: State
    connections: int = Field(description="open long connections")
    wanted: int = Field(description="long connections there should be")
    attempt: int = Field(description="attempts since the connection was lost; 0: connected")
    error: str | None = Field(description="why it is not connected")
    connected_at: datetime | None
    last_heartbeat: datetime | None
    last_event_at: datetime | None


class Process(Standing):
    """How one process is connected."""

    process: str = Field(description="its host and number", examples=["web-1:4711"])


class Connection(Standing):
    """How a connector is connected, over all processes."""

    id: str
    name: str = Field(examples=["butler"])
    app_id: str
    held: bool = Field(description="disconnected by hand, until it is connected or the bot is started again")
    strangers: int = Field(description="open connections of the app that are not ours: they take events away")
    processes: list[Process]

    @classmethod
    def of(cls, connector: Connector, reported: Reported) -> "Connection":
        """What is known of one."""
        who = {"id": connector.id, "name": connector.spec.name, "app_id": connector.spec.app_id}
        return cls.model_validate({**who, **standing_of(connector, reported)})


class Connections(BaseModel):
    """How connectors are connected."""

    connections: list[Connection]


class ConnectorView(BaseModel):
    """A connector. Of secrets it says whether they are set."""

    id: str
    name: str = Field(examples=["butler"])
    source: Literal["stored", "config"] = Field(description="config: changed in FEISHU_WS__CONNECTORS only")
    state: State
    error: str | None = Field(description="why it is not connected")
    verified_at: datetime | None = Field(description="when Feishu last accepted its credentials")
    app_id: str = Field(examples=["cli_a1b2c3d4e5f6a7b8"])
    has_app_secret: bool
    has_verification_token: bool
    has_encrypt_key: bool
    has_proxy: bool
    domain: str | None = Field(description=_says("domain"))
    transport: str = Field(description=_says("transport"))
    enabled: bool = Field(description=_says("enabled"))
    owner: str | None = Field(description=_says("owner"))
    approvers: list[str] = Field(description=_says("approvers"))
    allow_dm: bool = Field(description=_says("allow_dm"))
    allow_group_mention: bool = Field(description=_says("allow_group_mention"))
    mention_required: bool = Field(description=_says("mention_required"))
    allowed_chat_ids: list[str] = Field(description=_says("allowed_chat_ids"))
    user_whitelist: list[str] = Field(description=_says("user_whitelist"))
    prefix_command: str = Field(description=_says("prefix_command"))
    ignore_bot_messages: bool = Field(description=_says("ignore_bot_messages"))
    rate_limit_per_minute: int = Field(description=_says("rate_limit_per_minute"))

    @classmethod
    def of(cls, connector: Connector, reported: Reported) -> "ConnectorView":
        """What may be told of one."""
        values = values_of(connector.spec)
        return cls.model_validate(
            {
                "id": connector.id,
                "source": connector.source.value,
                "state": state_of(connector, reported),
                "error": error_of(connector, reported),
                "verified_at": connector.verified_at,
                **{f"has_{name}" if name in _SECRETS else name: value for name, value in values.items()},
            }
        )


class Connectors(BaseModel):
    """The connectors one may see."""

    connectors: list[ConnectorView]


class Verified(BaseModel):
    """Feishu accepts the credentials."""

    connector: ConnectorView
    bot: str = Field(description="the bot's name, as Feishu says", examples=["Butler"])


class LogLine(BaseModel):
    """Something that happened."""

    at: datetime
    level: Literal["debug", "info", "warning", "error"]
    action: str = Field(examples=["ws_connected"])
    message_id: str | None
    event_id: str | None
    detail: dict[str, Any]


class Log(BaseModel):
    """A page of a connector's log, newest first."""

    entries: list[LogLine]
    next_cursor: str | None = Field(
        description="`cursor` for the lines before these; null: there are no more"
    )


class Sent(BaseModel):
    """A test message that Feishu took."""

    message_id: str = Field(examples=["om_dc13264520392913993dd051dba21dcf"])
    chat_id: str = Field(examples=["oc_5ad11d72b830411d"])


class Approval(BaseModel):
    """A tool's call that waits for somebody's yes."""

    id: str
    connector: str = Field(description="its name", examples=["butler"])
    tool: str = Field(examples=["deploy"])
    arguments: str = Field(
        description="canonical JSON: exactly what would run", examples=['{"service":"web"}']
    )
    asked_by: str
    chat_id: str
    created_at: datetime
    expires_at: datetime
    may_decide: bool = Field(description="whether whoever calls may approve it")


class Approvals(BaseModel):
    """What waits, oldest first."""

    approvals: list[Approval]


class Decided(BaseModel):
    """What became of an approval."""

    id: str
    tool: str
    state: Literal[
        "pending",
        "approved",
        "executing",
        "done",
        "failed",
        "unknown",
        "rejected",
        "expired",
        "cancelled",
    ]
    decided: bool = Field(description="by this call; false: it had been decided so before")
