from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonebot_plugin_feishu_ws.filters import Facts, Policy, Reason, addressing_chain, strip_prefix

MakeFacts = Callable[..., Facts]


@pytest.mark.parametrize(
    ("policy", "facts", "reason"),
    [
        ({}, {}, None),
        ({}, {"mentioned": False}, Reason.MENTION_REQUIRED),
        ({}, {"mentioned": False, "mentioned_all": True}, Reason.MENTION_REQUIRED),
        ({"mention_required": False}, {"mentioned": False}, None),
        ({}, {"mentioned": False, "chat_type": "p2p"}, None),
        ({"prefix_command": "/ai"}, {"text": "/ai help"}, None),
        ({"prefix_command": "/ai"}, {"text": "help"}, Reason.PREFIX_NOT_MATCHED),
        ({"prefix_command": "/ai"}, {"text": "help", "chat_type": "p2p"}, Reason.PREFIX_NOT_MATCHED),
        ({"prefix_command": "/ai"}, {"text": "/ai help", "mentioned": False}, Reason.MENTION_REQUIRED),
        (
            {"prefix_command": "/ai", "mention_required": False},
            {"text": "/ai help", "mentioned": False},
            None,
        ),
        ({}, {"text": ""}, Reason.EMPTY_TEXT),
        ({}, {"text": "", "brings": True}, None),
        ({}, {"text": "", "brings": True, "mentioned": False}, Reason.MENTION_REQUIRED),
        (
            {"mention_required": False},
            {"text": "", "brings": True, "mentioned": False},
            Reason.EMPTY_TEXT,
        ),
        ({}, {"text": "", "brings": True, "mentioned": False, "chat_type": "p2p"}, None),
        ({"prefix_command": "/ai"}, {"text": "", "brings": True}, Reason.PREFIX_NOT_MATCHED),
        ({"prefix_command": "/ai"}, {"text": "/ai", "brings": True}, None),
        ({}, {"text": " \n\t\u3000"}, Reason.EMPTY_TEXT),
        ({"prefix_command": "/ai"}, {"text": " /ai  "}, Reason.EMPTY_TEXT),
    ],
)
def test_who_is_spoken_to(
    make_facts: MakeFacts, policy: dict[str, Any], facts: dict[str, Any], reason: Reason | None
) -> None:
    verdict = addressing_chain().verdict(make_facts(**facts), Policy.model_validate(policy))
    assert verdict.reason == reason
    assert verdict.allowed is (reason is None)


def test_order() -> None:
    assert addressing_chain().reasons == ("mention_required", "prefix_not_matched", "empty_text")


@pytest.mark.parametrize(
    ("text", "prefix", "left"),
    [
        (" hello ", "", "hello"),
        ("/ai help me", "/ai", "help me"),
        ("  /ai\nhelp", "/ai", "help"),
        ("/aid", "/ai", None),
        ("/ai_x", "/ai", None),
        ("/ai：help", "/ai", "：help"),
        ("/ai帮我", "/ai", "帮我"),
        ("!help", "!", "help"),
        ("小助手帮我", "小助手", "帮我"),
        ("小助手 帮我", "小助手", "帮我"),
        ("help /ai", "/ai", None),
        ("/AI help", "/ai", None),
        ("/ai", "/ai", ""),
    ],
)
def test_prefix(text: str, prefix: str, left: str | None) -> None:
    assert strip_prefix(text, prefix) == left


@given(st.text(), st.text(alphabet="/!ai小", min_size=1, max_size=4))
def test_a_prefix_set_off_by_a_space_always_comes_off(text: str, prefix: str) -> None:
    assert strip_prefix(f"{prefix} {text}", prefix) == text.strip()
    assert strip_prefix(text, "") == text.strip()
