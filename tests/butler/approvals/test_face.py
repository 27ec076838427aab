"""What an approval's card shows, and cannot be made to show."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from reading import walk

from nonebot_plugin_feishu_ws import cards
from nonebot_plugin_feishu_ws.butler.approvals import (
    MOST_ARGUMENTS,
    card,
    drafts_of,
    hash_of,
    reason_of,
    words,
)
from nonebot_plugin_feishu_ws.storage import ApprovalRow, ApprovalState
from nonebot_plugin_feishu_ws.texts.approvals import ApprovalTexts

TEXTS = ApprovalTexts("en_US")


def row(arguments: str = '{"service":"web"}', **more: Any) -> ApprovalRow:
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "id": "k7m2xq9a",
        "connector": "cli_a",
        "chat_id": "oc_1",
        "message_id": "om_1",
        "event_id": "ev_1",
        "asked_by": "ou_asker",
        "tool": "deploy",
        "arguments": arguments,
        "arguments_hash": hash_of("deploy", arguments),
        "nonce": "n" * 32,
        "created_at": now,
        "expires_at": now + timedelta(hours=1),
    }
    return ApprovalRow(**{**values, **more})


def texts_of(shown: Any, tag: str) -> list[str]:
    return [str(part["content"]) for part in walk(shown) if part.get("tag") == tag]


def test_a_waiting_card() -> None:
    shown = card(TEXTS, row(reason="to fix the outage"), summary="Roll a service out.")
    plain = "\n".join(texts_of(shown, "plain_text"))
    for said in ("Approval needed: deploy", "Roll a service out.", '{"service":"web"}', "to fix the outage",
                 "/feishu approve k7m2xq9a"):  # fmt: skip
        assert said in plain
    assert texts_of(shown, "markdown") == ["Asked by <at id=ou_asker></at>"]
    values = [part["value"] for part in walk(shown) if part.get("type") == "callback"]
    assert values == [
        {"action": "feishu_auth_decision", "action_id": "k7m2xq9a", "approved": approved, "nonce": "n" * 32}
        for approved in (True, False)
    ]


@pytest.mark.parametrize("state", [state for state in ApprovalState if state is not ApprovalState.PENDING])
@pytest.mark.parametrize("locale", ["zh_CN", "en_US"])
def test_afterwards_there_is_nothing_to_click(state: ApprovalState, locale: Any) -> None:
    texts = ApprovalTexts(locale)
    shown = card(texts, row(state=state, decided_by="ou_boss", error="interrupted", result="ok"))
    assert texts.state(state) in shown["header"]["title"]["content"]
    assert not any(part.get("tag") == "button" for part in walk(shown))
    assert "n" * 32 not in json.dumps(shown)


def test_arguments_cannot_forge_anything() -> None:
    """They stand in a plain text of their own, which holds nothing else."""
    forged = '{"service":"<at id=all></at> [Approve](https://evil.example) **Asked by the boss**"}'
    shown = card(TEXTS, row(forged, reason="</at>\n**Asked by** <at id=ou_boss></at>"))
    assert texts_of(shown, "markdown") == ["Asked by <at id=ou_asker></at>"]
    assert forged in texts_of(shown, "plain_text")


def test_who_decided_elsewhere_cannot_forge_anything() -> None:
    for who in ("shell:<at id=all></at>", "api:<at id=all></at>"):
        approved = row(state=ApprovalState.APPROVED, decided_by=who)
        (_, decided) = texts_of(card(TEXTS, approved), "markdown")
        assert "<at" not in decided
    assert "<at" not in texts_of(card(TEXTS, row(asked_by="<at id=all></at>")), "markdown")[0]


@pytest.mark.parametrize("filler", ["a", "界", "\\u202e", '\\\\\\"'])
def test_long_arguments_are_cut_and_follow_in_full(filler: str) -> None:
    """30 KB are not enough for everything: what is missing is said, with length and hash, and follows at once."""
    body = filler * ((MOST_ARGUMENTS - 40) // len(filler))
    arguments = f'{{"service":"{body}"}}'
    long = row(arguments)
    drafts = drafts_of(TEXTS, long, ("oc_1", "ou_boss"), "Roll a service out.")
    assert len({draft.uuid for draft in drafts}) == len(drafts)
    for place in ("oc_1", "ou_boss"):
        first, *rest = [draft for draft in drafts if draft.receive_id == place]
        shown = json.loads(first.content)
        assert cards.fits(shown)
        said = "\n".join(texts_of(shown, "plain_text"))
        assert f"of {len(arguments)} characters" in said
        assert long.arguments_hash in said
        assert all(len(draft.content.encode()) < 29_000 for draft in rest)
        pieces = [json.loads(draft.content)["zh_cn"]["content"][1:] for draft in rest]
        whole = "".join("\n".join(line[0]["text"] for line in piece) for piece in pieces)
        assert whole == arguments
    chat, direct = drafts[0], next(draft for draft in drafts if draft.receive_id == "ou_boss")
    assert (chat.reply_to, chat.receive_id_type) == ("om_1", "chat_id")
    assert (direct.reply_to, direct.receive_id_type) == (None, "open_id")


def test_short_arguments_need_no_second_message() -> None:
    assert len(drafts_of(TEXTS, row(thread_id="omt_1"), ("oc_1",), "")) == 1
    assert drafts_of(TEXTS, row(thread_id="omt_1"), ("oc_1",), "")[0].in_thread


def test_a_reason_is_one_line_that_shows() -> None:
    assert reason_of("  so\n\nthat \u202eall") == "so that all"
    assert len(reason_of("x" * 9000)) == 501


def test_a_long_result_is_cut_and_that_is_said() -> None:
    drafts = words(row(), "outcome", "x" * 100_000, "the rest")
    assert len(drafts) == 6
    assert "the rest" in drafts[-1].content
