"""Every payload Feishu documents, and what becomes of it when fields are missing, null or new."""

import copy
import json
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nonebot.adapters import feishu as stock

from nonebot_plugin_feishu_ws.adapter import (
    CardActionEvent,
    FeishuEvent,
    GroupMessageEvent,
    MessageEvent,
    NoticeEvent,
    PrivateMessageEvent,
    parse_event,
)

PAYLOADS = Path(__file__).parent / "payloads"
Payload = Callable[[str], dict[str, Any]]


def names(kind: str) -> list[str]:
    return sorted(f"{kind}/{file.stem}" for file in (PAYLOADS / kind).glob("*.json"))


@pytest.mark.parametrize("name", names("messages"))
def test_every_message_is_a_typed_message_event(name: str, payload: Payload) -> None:
    raw = payload(name)
    before = copy.deepcopy(raw)
    event = parse_event(raw, app_id="cli_fallback")
    private = raw["event"]["message"].get("chat_type") == "p2p"
    assert type(event) is (PrivateMessageEvent if private else GroupMessageEvent)
    assert isinstance(event, stock.PrivateMessageEvent if private else stock.GroupMessageEvent)
    message = event.get_message()
    assert message
    assert all(isinstance(segment, stock.MessageSegment) for segment in message)
    assert "@_" not in str(message)
    assert event.get_type() == "message"
    assert event.get_event_name() in ("message.group", "message.p2p")
    event.get_log_string()
    event.get_session_id()
    event.model_dump_json()
    event.get_plaintext()
    assert raw == before


SEGMENTS = {
    "image": ("image", {"image_key": "img_fd61d6a6-1b35-4b8b-a7a0-4f1d6a9f2a4g"}),
    "file": ("file", {"file_key": "file_v2_xxx", "file_name": "text.txt", "file_size": "12"}),
    "folder": ("folder", {"file_key": "file_v2_xxx", "file_name": "folder"}),
    "audio": ("audio", {"file_key": "file_v2_xxx", "duration": 2000, "waveform": [1]}),
    "media_bare": (
        "media",
        {"file_key": "file_v2_xxx", "image_key": None, "file_name": None, "duration": None},
    ),
    "sticker": ("sticker", {"file_key": "4ba009df-2453-47b3-a753-444b152217bg"}),
    "hongbao": ("hongbao", {"text": "[红包]"}),
    "share_user": ("share_user", {"user_id": "ou_0dd200d32fda15216d2c2ef1ddb32f76"}),
    "vote": ("vote", {"topic": "投票测试", "options": ["选项1", "选项2"], "status": 0}),
    "merge_forward": ("merge_forward", {"content": "Merged and Forwarded Message"}),
    "unknown_type": ("hologram", {"hologram_key": "h_1"}),
    "content_null": ("image", {"image_key": "", "content": ""}),
    "content_list": ("vote", {"topic": "", "options": [], "content": "[1, 2]"}),
}


@pytest.mark.parametrize(("name", "expected"), SEGMENTS.items())
def test_content_is_kept_whole(name: str, expected: tuple[str, dict[str, Any]], payload: Payload) -> None:
    [segment] = parse_event(payload(f"messages/{name}"), app_id="x").get_message()
    assert (segment.type, segment.data) == expected
    str(segment)


def test_a_segment_is_of_the_class_alconna_asks_for(payload: Payload) -> None:
    for name in (
        "image",
        "file",
        "folder",
        "audio",
        "media",
        "sticker",
        "location",
        "system",
        "todo",
        "vote",
    ):
        [segment] = parse_event(payload(f"messages/{name}"), app_id="x").get_message()
        assert type(segment).__name__.lower() == name


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("text", ("ou_84aad35d084aa403a838cf73ee18467", "on_8ed6aa67826108097d9ee143816345", "e33ggbyz")),
        ("text_user_id_null", ("ou_x", "", "")),
        ("text_user_id_missing", ("ou_x", "", "")),
        ("text_sender_id_missing", ("", "", "")),
        ("text_sender_null", ("", "", "")),
        ("text_from_app", ("", "", "")),
        ("text_from_bot", ("ou_other_bot", "on_other", "")),
    ],
)
def test_ids_feishu_does_not_tell_are_empty(name: str, ids: tuple[str, str, str], payload: Payload) -> None:
    event = parse_event(payload(f"messages/{name}"), app_id="x")
    assert isinstance(event, MessageEvent)
    sender = event.sender_id
    assert (sender.open_id, sender.union_id, sender.user_id) == ids
    assert event.get_user_id() == ids[0]


@pytest.mark.parametrize(
    ("name", "chat_type", "thread_id"),
    [
        ("text_topic_group", "topic_group", "omt_d4be107c616aed9c1da8ed8068570a9f"),
        ("text_topic", "topic", "omt_d4be107c616aed9c1da8ed8068570a9f"),
        ("text_chat_type_unknown", "open_group_2027", None),
        ("text_chat_type_null", "", None),
        ("text_p2p", "p2p", None),
    ],
)
def test_chat_types(name: str, chat_type: str, thread_id: str | None, payload: Payload) -> None:
    event = parse_event(payload(f"messages/{name}"), app_id="x")
    assert isinstance(event, MessageEvent)
    assert event.chat_type == chat_type
    assert event.thread_id == thread_id
    assert event.is_group is (chat_type != "p2p")
    assert event.event.message.chat_type == ("p2p" if chat_type == "p2p" else "group")


def test_facts_of_a_message(payload: Payload) -> None:
    event = parse_event(payload("messages/text_thread_reply"), app_id="x")
    assert isinstance(event, MessageEvent)
    assert event.message_id == "om_5ce6d572455d361153b7cb51da133945"
    assert event.chat_id == "oc_5ce6d572455d361153b7xx51da133945"
    assert (event.root_id, event.parent_id) == ("om_root", "om_root")
    assert event.sender_type == "user"
    assert event.message_type == "text"
    assert event.event_id == "5e3702a84e847582be8db7fb73283c02"
    assert event.app_id == "cli_9f5343c580712544"
    assert event.created_at == datetime(2020, 12, 23, 12, 19, 49, tzinfo=UTC)
    assert event.received_at.tzinfo is UTC
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert event.time == datetime(2020, 12, 23, 12, 19, 49)  # noqa: DTZ001 (as the stock adapter has it)
    assert event.get_session_id() == (
        "group_oc_5ce6d572455d361153b7xx51da133945_omt_d4be107c616aed9c1da8ed8068570a9f"
        "_ou_84aad35d084aa403a838cf73ee18467"
    )


def test_a_session_outside_topics_is_the_stock_one(payload: Payload) -> None:
    raw = payload("messages/text")
    [stock_model, *_] = stock.Adapter.get_event_model("im.message.receive_v1.group")
    assert parse_event(raw, app_id="x").get_session_id() == stock_model.model_validate(raw).get_session_id()


def test_a_payload_cannot_say_that_it_is_to_me_or_quotes_something(payload: Payload) -> None:
    event = parse_event(payload("messages/text_future_fields"), app_id="x")
    assert isinstance(event, MessageEvent)
    assert event.to_me is False
    assert event.reply is None
    assert event.event.message.lark_agent_context == {"a": {"b": [1, 2]}}


def test_without_a_create_time_the_time_is_now(payload: Payload) -> None:
    event = parse_event(payload("messages/text_optional_missing"), app_id="cli_told")
    assert isinstance(event, FeishuEvent)
    assert event.created_at == event.received_at
    assert event.app_id == "cli_told"


NOTICES = {
    "bot_added": stock.GroupMemberBotAddedEvent,
    "bot_added_nulls": stock.GroupMemberBotAddedEvent,
    "bot_deleted": stock.GroupMemberBotDeletedEvent,
    "user_added": stock.GroupMemberUserAddedEvent,
    "user_deleted": stock.GroupMemberUserDeletedEvent,
    "user_withdrawn": stock.GroupMemberUserWithdrawnEvent,
    "chat_updated": stock.GroupConfigUpdatedEvent,
    "chat_disbanded": stock.GroupDisbandedEvent,
    "reaction_created": stock.MessageReactionCreatedEvent,
    "reaction_by_app": stock.MessageReactionCreatedEvent,
    "reaction_deleted": stock.MessageReactionDeletedEvent,
    "message_read": stock.MessageReadEvent,
    "contact_user_updated": stock.ContactUserUpdatedEvent,
    "calendar_changed": stock.CalendarChangedEvent,
    "meeting_started": stock.VCMeetingStartedEvent,
    "event_null": stock.GroupDisbandedEvent,
}


@pytest.mark.parametrize("name", names("notices"))
def test_every_notice_has_the_stock_class(name: str, payload: Payload) -> None:
    raw = payload(name)
    before = copy.deepcopy(raw)
    event = parse_event(raw, app_id="x")
    assert isinstance(event, NoticeEvent)
    assert isinstance(event, stock.NoticeEvent)
    expected = NOTICES.get(name.split("/")[1])
    assert isinstance(event, expected) if expected else type(event) is NoticeEvent
    assert event.get_type() == "notice"
    event.get_log_string()
    event.model_dump_json()
    assert event.time
    assert raw == before


def test_every_stock_notice_survives_an_empty_body() -> None:
    models = [model for model in stock.Adapter.event_models.values() if issubclass(model, stock.NoticeEvent)]
    assert len(models) > 40
    for model in models:
        if not model.__event__:
            continue
        event = parse_event({"header": {"event_type": model.__event__}, "event": {}}, app_id="x")
        assert isinstance(event, model)
        assert isinstance(event.event, model.model_fields["event"].annotation)
        event.model_dump_json()


def test_a_notice_keeps_what_the_stock_model_drops_and_has_none_for_what_was_not_sent(
    payload: Payload,
) -> None:
    event: Any = parse_event(payload("notices/chat_updated"), app_id="x")
    assert event.event.after_change.name == "新名"
    assert event.event.after_change.avatar is None
    assert event.event.moderator_list.added_member_list[0]["user_id"]["user_id"] == "e33ggbyz"
    assert event.chat_id == "oc_4"
    bot_added: Any = parse_event(payload("notices/bot_added"), app_id="x")
    assert bot_added.event.name == "测试群"


@pytest.mark.parametrize(
    ("name", "user", "chat", "message"),
    [
        ("bot_added_nulls", "ou_x", "oc_413779461ae7dcb94f36fa2ea52bd1cf", None),
        ("reaction_created", "ou_84aad35d084aa403a838cf73ee18467", None, "om_a8f2294b"),
        ("message_read", "ou_x", None, None),
        ("meeting_started", None, None, None),
        ("unknown_p2p_entered", "ou_84aad35d084aa403a838cf73ee18467", "oc_c2b15", None),
        ("unknown_recalled", None, "oc_1", "om_dc1326"),
    ],
)
def test_who_where_and_what(
    name: str, user: str | None, chat: str | None, message: str | None, payload: Payload
) -> None:
    event = parse_event(payload(f"notices/{name}"), app_id="x")
    assert isinstance(event, NoticeEvent)
    assert (event.chat_id, event.message_id) == (chat, message)
    if user:
        assert event.get_user_id() == user
        assert user in event.get_session_id()
    else:
        with pytest.raises(ValueError, match="no user_id"):
            event.get_user_id()


def test_schema_1_events_have_a_header(payload: Payload) -> None:
    event = parse_event(payload("notices/schema_1"), app_id="x")
    assert isinstance(event, NoticeEvent)
    assert event.get_event_name() == "leave_approvalV2"
    assert event.event_id == "bc447199585340d1f3728d26b1c0297a"
    assert event.app_id == "cli_9c8609450f78d102"
    assert event.created_at == datetime(2017, 8, 8, 13, 33, 27, 717000, tzinfo=UTC)
    assert event.event["instance_code"] == "xxx"


def test_event_classes_other_plugins_add_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    class Landed(stock.NoticeEvent):
        __event__ = "space.moon.landed_v9"

        @property
        def crew(self) -> list[Any]:
            return self.event["crew"]

    models = stock.Adapter.event_models.copy()
    monkeypatch.setattr(stock.Adapter, "event_models", models)
    stock.Adapter.add_custom_model(Landed)
    event = parse_event({"header": {"event_type": Landed.__event__}, "event": {"crew": [1]}}, app_id="x")
    assert isinstance(event, Landed)
    assert event.crew == [1]


def test_tokens_stay_out_of_logs(payload: Payload) -> None:
    for name in ("messages/text", "notices/bot_added", "cards/button", "notices/schema_1"):
        raw = payload(name)
        event = parse_event(raw, app_id="x")
        for token in (raw.get("token"), raw.get("header", {}).get("token"), raw["event"].get("token")):
            if token:
                assert token not in repr(event)
                assert token not in event.get_log_string()
                assert token not in str(event)


# --- whatever comes ---

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
SAMPLES = [
    json.loads((PAYLOADS / f"{name}.json").read_text())
    for kind in ("messages", "notices", "cards")
    for name in names(kind)
]


def paths(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys: Any = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [prefix] * bool(prefix) + [path for key in keys for path in paths(value[key], (*prefix, key))]


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    sample = copy.deepcopy(draw(st.sampled_from(SAMPLES)))
    content = sample.get("event", {}).get("message", {}) if isinstance(sample.get("event"), dict) else {}
    for _ in range(draw(st.integers(0, 4))):
        root: Any = sample
        inner = isinstance(content, dict) and isinstance(content.get("content"), str) and draw(st.booleans())
        if inner:
            try:
                root = json.loads(content["content"])
            except ValueError:
                inner = False
        where = paths(root)
        if not where:
            continue
        *parents, last = draw(st.sampled_from(where))
        holder = root
        for key in parents:
            holder = holder[key]
        if draw(st.booleans()) and isinstance(holder, dict):
            del holder[last]
        else:
            holder[last] = draw(JSON)
        if inner:
            content["content"] = json.dumps(root)
    return sample


@given(mutated())
@settings(max_examples=1500, deadline=None)
def test_nothing_raises_and_no_message_becomes_a_bare_event(raw: dict[str, Any]) -> None:
    before = copy.deepcopy(raw)
    event = parse_event(raw, app_id="cli_x")
    header = raw.get("header")
    if isinstance(header, dict) and header.get("event_type") == "im.message.receive_v1":
        assert isinstance(event, GroupMessageEvent | PrivateMessageEvent)
        assert event.get_message()
        event.get_session_id()
        event.mentions_all  # noqa: B018
    else:
        assert isinstance(event, NoticeEvent)
    if isinstance(header, dict) and header.get("event_type") == "card.action.trigger":
        assert isinstance(event, CardActionEvent)
    assert isinstance(event, FeishuEvent)
    assert event.created_at
    event.get_log_string()
    event.model_dump_json()
    assert raw == before


@given(st.dictionaries(st.sampled_from(["header", "event", "schema", "action", "token", "type", "ts"]), JSON))
@settings(max_examples=300, deadline=None)
def test_any_object_is_some_event(raw: dict[str, Any]) -> None:
    assert isinstance(parse_event(raw, app_id="cli_x"), FeishuEvent)
