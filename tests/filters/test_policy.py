from typing import Any

import pytest
from pydantic import ValidationError

from nonebot_plugin_feishu_ws.filters import Policy


def test_defaults_are_the_contracts() -> None:
    assert Policy().model_dump() == {
        "allow_dm": True,
        "allow_group_mention": True,
        "mention_required": True,
        "allowed_chat_ids": (),
        "user_whitelist": (),
        "prefix_command": "",
        "ignore_bot_messages": True,
        "rate_limit_per_minute": 0,
    }
    assert all(field.description for field in Policy.model_fields.values())


@pytest.mark.parametrize(
    ("field", "given", "stored"),
    [
        ("allow_dm", "false", False),
        ("mention_required", "on", True),
        ("rate_limit_per_minute", "30", 30),
        ("allowed_chat_ids", "oc_1, oc_2,,oc_1", ("oc_1", "oc_2")),
        ("allowed_chat_ids", "", ()),
        ("allowed_chat_ids", ["oc_2", "oc_1"], ("oc_2", "oc_1")),
        ("user_whitelist", "ou_1,on_2,u3", ("ou_1", "on_2", "u3")),
        ("prefix_command", " /ai ", "/ai"),
    ],
)
def test_chat_shell_and_json_forms(field: str, given: Any, stored: Any) -> None:
    assert getattr(Policy.model_validate({field: given}), field) == stored


@pytest.mark.parametrize(
    ("field", "given", "message"),
    [
        ("allow_dm", "maybe", "use true or false"),
        ("rate_limit_per_minute", -1, r"from 0 \(no limit\) to 1000"),
        ("rate_limit_per_minute", "many", r"from 0 \(no limit\) to 1000"),
        ("allowed_chat_ids", ["ou_1"], "'ou_1' is not valid; use a list of chat ids"),
        ("allowed_chat_ids", 5, "use a list of chat ids"),
        ("allowed_chat_ids", ["oc_1", 5], "use a list of chat ids"),
        ("user_whitelist", ["a b"], "'a b' is not valid; use a list of open_ids"),
        ("prefix_command", "x" * 33, "at most 32 characters"),
        ("prefix_command", 1, "at most 32 characters"),
    ],
)
def test_an_error_names_the_field_and_what_it_accepts(field: str, given: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        Policy.model_validate({field: given})
    (problem,) = caught.value.errors()
    assert problem["loc"] == (field,)


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError, match="allow_dms"):
        Policy.model_validate({"allow_dms": True})


def test_policies_are_frozen_and_equal_by_value() -> None:
    policy = Policy(allowed_chat_ids=("oc_1",))
    assert policy.chat_set == {"oc_1"}
    assert policy == Policy(allowed_chat_ids=("oc_1",))
    with pytest.raises(ValidationError):
        policy.allow_dm = False
