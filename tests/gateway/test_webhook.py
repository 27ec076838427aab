"""Requests to a webhook: what is let in and what is not (faults.md, Webhook)."""

import asyncio
import base64
import hashlib
import json
import logging
import secrets
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feishu_sandbox.posts import encrypted, signature
from nonebot_plugin_feishu_ws.gateway import Ack, GatewayError, Inbound, Keys, Reason, State, Timings, Webhook
from nonebot_plugin_feishu_ws.gateway.webhook import (
    LARGEST,
    LARGEST_UNSIGNED,
    Challenge,
    Delivered,
    Refusal,
    RefusedError,
    decrypt,
    examine,
)

KEY, TOKEN, NOW = "canary-encrypt-key", "canary-verification-token", 1_800_000_000.0
BOTH = Keys(KEY, TOKEN)
EVENT = {
    "schema": "2.0",
    "header": {"event_id": "e1", "event_type": "im.message.receive_v1", "token": TOKEN},
    "event": {"message": {"message_id": "om_1", "chat_id": "oc_1"}},
}
CLICK = {**EVENT, "header": {**EVENT["header"], "event_type": "card.action.trigger"}}
OLD_CLICK = {
    "open_id": "ou_1",
    "open_message_id": "om_1",
    "token": "c-1",
    "action": {"tag": "button", "value": {}},
}
CHECK = {"type": "url_verification", "challenge": "abc", "token": TOKEN}


def body_of(payload: Any, key: str | None = KEY) -> bytes:
    plain = json.dumps(payload).encode()
    return json.dumps({"encrypt": encrypted(key, plain)}).encode() if key else plain


def signed(body: bytes, *, key: str = KEY, at: float = NOW, nonce: str | None = None) -> dict[str, str]:
    stamp, nonce = str(int(at)), nonce or secrets.token_hex(8)
    return {
        "x-lark-request-timestamp": stamp,
        "x-lark-request-nonce": nonce,
        "x-lark-signature": signature(stamp, nonce, key, body),
    }


def signed_old(body: bytes, token: str = TOKEN) -> dict[str, str]:
    digest = hashlib.sha1(f"{int(NOW)}n{token}".encode() + body).hexdigest()
    return {
        "x-lark-request-timestamp": str(int(NOW)),
        "x-lark-request-nonce": "n",
        "x-lark-signature": digest,
    }


def refusal(keys: Keys, headers: dict[str, str], body: bytes) -> Refusal:
    with pytest.raises(RefusedError) as caught:
        examine(keys, headers, body, now=NOW)
    return caught.value.refusal


def test_an_event_that_is_signed_and_encrypted() -> None:
    body = body_of(EVENT)
    found = examine(BOTH, signed(body, nonce="n1"), body, now=NOW)
    assert found == Delivered("event", json.dumps(EVENT).encode(), False, "n1")


def test_a_click_is_told_from_events() -> None:
    body = body_of(CLICK)
    assert examine(BOTH, signed(body), body, now=NOW).callback  # type: ignore[union-attr]


def test_feishus_own_example() -> None:
    """From Feishu's page on receiving events."""
    assert decrypt("test key", "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=") == b"hello world"


@pytest.mark.parametrize(
    "change", ["body", "timestamp", "nonce", "key", "digest", "empty", "sha1", "no token"]
)
def test_a_signature_is_over_every_part(change) -> None:
    """faults.md, Webhook: SHA-256(timestamp + nonce + key + raw body)."""
    body = body_of(EVENT)
    headers, keys = signed(body), BOTH
    if change == "body":
        body += b" "
    elif change == "timestamp":
        headers["x-lark-request-timestamp"] = str(int(NOW) + 1)
    elif change == "nonce":
        headers["x-lark-request-nonce"] += "1"
    elif change == "key":
        headers = signed(body, key="another")
    elif change == "digest":
        headers["x-lark-signature"] = "0" * 64
    elif change == "empty":
        headers |= {"x-lark-request-nonce": "", **signed(body, nonce=" ")}
        headers["x-lark-request-nonce"] = ""
    elif change == "sha1":  # which is for old cards alone
        headers = signed_old(body)
    else:
        headers, keys = signed_old(body, ""), Keys(KEY)
    assert refusal(keys, headers, body) is Refusal.BAD_SIGNATURE


def test_the_signature_is_checked_before_anything_is_decrypted(monkeypatch) -> None:
    """faults.md, Webhook: before decrypt."""
    monkeypatch.setattr(
        "nonebot_plugin_feishu_ws.gateway.webhook.decrypt", lambda *_: pytest.fail("decrypted")
    )
    body = body_of(EVENT)
    assert refusal(BOTH, signed(body, key="another"), body) is Refusal.BAD_SIGNATURE


def test_digests_and_tokens_are_compared_in_constant_time(monkeypatch) -> None:
    """faults.md, Webhook: constant-time. Both comparisons go through `compare_digest`."""
    compared = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return True

    monkeypatch.setattr("nonebot_plugin_feishu_ws.gateway.webhook.hmac.compare_digest", compare)
    body = body_of({**EVENT, "header": {**EVENT["header"], "token": "wrong"}})
    examine(BOTH, {**signed(body), "x-lark-signature": "f" * 64}, body, now=NOW)
    assert [other for _, other in compared] == [b"f" * 64, b"wrong"]


@pytest.mark.parametrize("seconds", [-301, 301])
def test_what_is_signed_too_long_ago_or_ahead_is_refused(seconds) -> None:
    """faults.md, Webhook: ±5 min window."""
    body = body_of(EVENT)
    assert refusal(BOTH, signed(body, at=NOW + seconds), body) is Refusal.WRONG_TIME
    examine(BOTH, signed(body, at=NOW + seconds * 299 / 301), body, now=NOW)


@pytest.mark.parametrize("stamp", ["", "yesterday", "-1", "1" * 40, "１８０００００００００", "1e9"])
def test_a_time_that_is_none(stamp) -> None:
    body = body_of(EVENT)
    headers = {
        "x-lark-request-timestamp": stamp,
        "x-lark-request-nonce": "n",
        "x-lark-signature": signature(stamp, "n", KEY, body),
    }
    assert refusal(BOTH, headers, body) is Refusal.WRONG_TIME


@pytest.mark.parametrize("key", [KEY, None])
def test_without_a_signature_nothing_but_the_check_of_the_address_counts(key) -> None:
    """faults.md, Webhook: a missing signature is refused where there is an encrypt key."""
    assert refusal(BOTH, {}, body_of(EVENT, key)) is Refusal.NOT_SIGNED
    assert examine(BOTH, {}, body_of(CHECK, key), now=NOW) == Challenge("abc")


def test_what_is_not_signed_is_short() -> None:
    body = body_of({**CHECK, "padding": "x" * LARGEST_UNSIGNED})
    assert refusal(BOTH, {}, body) is Refusal.NOT_SIGNED


def test_whoever_does_not_know_the_key_learns_nothing_by_asking() -> None:
    """A padding oracle would tell what a wrong last block is from what a wrong text is."""
    good = bytearray(base64.b64decode(json.loads(body_of(CHECK))["encrypt"]))
    seen = set()
    for last in range(256):
        bad = bytes([*good[:-17], last, *good[-16:]])
        body = json.dumps({"encrypt": base64.b64encode(bad).decode()}).encode()
        if bad != bytes(good):
            seen.add(refusal(BOTH, {}, body))
    assert seen == {Refusal.NOT_SIGNED}


@pytest.mark.parametrize("token", ["", "wrong", None, 7, "\udc80"])
@pytest.mark.parametrize("payload", [EVENT, CHECK])
def test_the_token_must_be_right_too(token, payload) -> None:
    """faults.md, Webhook: token required."""
    wrong = (
        {**payload, "token": token}
        if payload is CHECK
        else {**payload, "header": {**payload["header"], "token": token}}
    )
    for keys, key in ((BOTH, KEY), (Keys(None, TOKEN), None)):
        body = body_of(wrong, key)
        assert refusal(keys, signed(body) if key else {}, body) is Refusal.BAD_TOKEN


def test_the_token_alone_is_enough_where_there_is_no_encrypt_key() -> None:
    keys = Keys(None, TOKEN)
    body = body_of(EVENT, None)
    assert examine(keys, {}, body, now=NOW) == Delivered("event", body, False, None)
    assert examine(keys, {}, body_of(CHECK, None), now=NOW) == Challenge("abc")
    first = {"uuid": "u1", "token": TOKEN, "type": "event_callback", "event": {"type": "app_open"}}
    assert isinstance(examine(keys, {}, body_of(first, None), now=NOW), Delivered)


def test_without_any_key_nothing_is_let_in() -> None:
    for payload in (EVENT, CHECK, OLD_CLICK):
        with pytest.raises(RefusedError):
            examine(Keys(), {}, body_of(payload, None), now=NOW)


def test_the_check_of_an_address_needs_the_key_where_there_is_no_token() -> None:
    keys = Keys(KEY, None)
    assert examine(keys, {}, body_of(CHECK), now=NOW) == Challenge("abc")
    assert refusal(keys, {}, body_of(CHECK, None)) is Refusal.NOT_SIGNED


@pytest.mark.parametrize("key", [KEY, None])
def test_old_card_callbacks_are_signed_with_sha1_and_the_token(key) -> None:
    """Feishu's page "Configure the card callback URL"; lark_oapi's CardActionHandler does the same."""
    body = body_of(OLD_CLICK, key)
    assert examine(BOTH, signed_old(body), body, now=NOW) == Delivered(
        "card", json.dumps(OLD_CLICK).encode(), True, "n"
    )
    assert refusal(BOTH, signed_old(body, "another"), body) is Refusal.BAD_SIGNATURE
    assert refusal(Keys(None, TOKEN), {}, body_of(OLD_CLICK, None)) is Refusal.NOT_SIGNED


def test_a_body_has_a_largest_size() -> None:
    """faults.md, Webhook: body cap. It is looked at before anything else."""
    assert refusal(BOTH, {}, b"x" * (LARGEST + 1)) is Refusal.TOO_LARGE


FIELDS = st.sampled_from(["encrypt", "type", "header", "token", "action", "event", "challenge"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(FIELDS, inner),
    max_leaves=8,
)


@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_nothing_that_is_not_feishus_does_anything_but_be_refused(body) -> None:
    for keys in (BOTH, Keys(None, TOKEN), Keys(KEY)):
        with pytest.raises(RefusedError):
            examine(keys, {}, body, now=NOW)
    if b"action" not in body:  # of an old card the signature is all there is
        with pytest.raises(RefusedError):  # it lacks the token
            examine(BOTH, signed(body), body, now=NOW)


def test_deep_json_is_refused() -> None:
    body = b"[" * 100_000
    assert refusal(BOTH, signed(body), body) is Refusal.NOT_UNDERSTOOD


# --- the listener ---------------------------------------------------------------------------------------------------


class Memory:
    """Nonces, in memory."""

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self.broken = False

    async def take(self, app_id: str, nonce: str) -> bool:
        if self.broken:
            raise RuntimeError("the database is away")
        known = nonce in self.taken
        self.taken.add(nonce)
        return not known


class Scene:
    def __init__(self, **more: Any) -> None:
        self.nonces = Memory()
        self.got: list[Inbound] = []
        self.answer: Any = Ack()
        self.states: list[State] = []
        self.now = NOW
        self.webhook = Webhook(
            "cli_1",
            lambda: BOTH,
            self.handle,
            self.nonces,
            on_status=lambda status: self.states.append(status.state),
            clock=lambda: self.now,
            **more,
        )
        self.webhook.start()

    async def handle(self, inbound: Inbound) -> Ack:
        self.got.append(inbound)
        answer = self.answer
        return await answer() if callable(answer) else answer

    async def post(self, payload: Any = EVENT, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        body = body_of(payload)
        response = await self.webhook.receive(signed(body, at=self.now) if headers is None else headers, body)
        return response.status, json.loads(response.body)


async def test_an_event_is_answered_when_it_was_taken() -> None:
    scene = Scene()
    assert await scene.post() == (200, {})
    scene.answer = Ack(500)
    assert (await scene.post())[0] == 500
    assert scene.got[0].message_id == scene.got[1].message_id  # the same event, pushed again
    scene.answer = Ack(data={"toast": {"content": "done"}})
    assert await scene.post(CLICK) == (200, {"toast": {"content": "done"}})


async def test_the_same_request_again_is_refused_and_a_new_push_is_not() -> None:
    """faults.md, Webhook: nonce store."""
    scene = Scene()
    body = body_of(EVENT)
    headers = signed(body)
    assert [(await scene.webhook.receive(headers, body)).status for _ in range(2)] == [200, 403]
    assert (await scene.post())[0] == 200
    body = body_of(CLICK)
    headers, before = signed(body), len(scene.got)
    assert [(await scene.webhook.receive(headers, body)).status for _ in range(2)] == [200, 403]
    assert len(scene.got) == before + 1  # the click's handler ran once


async def test_what_was_not_stored_may_come_again_with_the_same_nonce() -> None:
    scene = Scene()
    body = body_of(EVENT)
    headers = signed(body)
    scene.answer = Ack(500)
    assert (await scene.webhook.receive(headers, body)).status == 500
    scene.answer = Ack()
    scene.nonces.broken = True
    assert (await scene.webhook.receive(headers, body)).status == 503  # stored, but not known to be a new one
    scene.nonces.broken = False
    assert (await scene.webhook.receive(headers, body)).status == 200


async def test_all_refusals_look_the_same(caplog) -> None:
    scene = Scene()
    body = body_of(EVENT)
    old = await scene.webhook.receive(signed(body, at=NOW - 999), body)
    unsigned = await scene.webhook.receive({}, body)
    wrong = await scene.webhook.receive(signed(body, key="x"), body)
    replayed = [await scene.webhook.receive(signed(body, nonce="n"), body) for _ in range(2)][1]
    bad_token = await scene.webhook.receive(signed(other := body_of({**EVENT, "header": {}})), other)
    assert {old, unsigned, wrong, replayed, bad_token} == {old}
    assert old.status == 403
    assert scene.webhook.status.state is State.CONNECTED
    assert str(scene.webhook.status.error) == "request_refused: bad_token"
    assert await scene.post() == (200, {})
    assert scene.webhook.status.error is None


async def test_checks_of_the_address_are_limited() -> None:
    """faults.md, Webhook: challenge limited."""
    scene = Scene()
    answers = [await scene.post(CHECK, {}) for _ in range(31)]
    assert answers[:30] == [(200, {"challenge": "abc"})] * 30
    assert answers[30][0] == 403
    assert await scene.post() == (200, {})  # what is signed goes on
    scene.now += 60
    assert await scene.post(CHECK, {}) == (200, {"challenge": "abc"})


async def test_an_answer_comes_within_feishus_3_s() -> None:
    scene = Scene(timings=Timings(answer=0.01))
    scene.answer = asyncio.Event().wait
    assert (await scene.post())[0] == 503  # pushed again
    assert await scene.post(CLICK) == (200, {})  # never pushed again: the handlers go on by themselves


async def test_a_handler_that_fails_is_answered_500(caplog) -> None:
    async def fail() -> Ack:
        raise RuntimeError("boom")

    scene = Scene()
    scene.answer = fail
    assert (await scene.post())[0] == 500
    assert "boom" in caplog.text


async def test_a_stop_lets_what_is_being_answered_finish() -> None:
    scene = Scene()
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow() -> Ack:
        begun.set()
        await go.wait()
        return Ack()

    scene.answer = slow
    answer = asyncio.create_task(scene.post())
    await begun.wait()
    stop = asyncio.create_task(scene.webhook.stop())
    await asyncio.sleep(0)
    assert (await scene.post())[0] == 404
    assert not stop.done()
    go.set()
    assert (await answer)[0] == 200
    await stop
    assert scene.states == [State.CONNECTED, State.DISCONNECTED]


async def test_where_nothing_can_be_posted_it_is_blocked() -> None:
    scene = Scene(unserved=GatewayError(Reason.NO_SERVER, "no server"))
    assert scene.states == [State.BLOCKED]
    assert (await scene.post())[0] == 404


async def test_secrets_are_nowhere(caplog) -> None:
    """faults.md, Redaction: keys, tokens and what was said appear neither in a log nor in a repr."""
    caplog.set_level(logging.DEBUG)
    scene = Scene()
    for headers in (None, {}, signed(b"")):
        await scene.post({**EVENT, "event": {"text": "canary-text"}}, headers)
    await scene.post(CHECK, {})
    found = examine(BOTH, signed(body := body_of(EVENT)), body, now=NOW)
    shown = caplog.text + repr([scene.webhook.status, scene.webhook._keys(), scene.got, found])
    assert "refused" in caplog.text
    assert [word for word in (KEY, TOKEN, "canary-text") if word in shown] == []
