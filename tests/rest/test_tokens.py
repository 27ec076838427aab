"""Bearer tokens: what opens, and each way of forging one (faults.md, JWT). Then how often one may be wrong."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from pydantic import SecretStr, ValidationError

from nonebot_plugin_feishu_ws.config import Settings
from nonebot_plugin_feishu_ws.connectors import Actor
from nonebot_plugin_feishu_ws.console.auth import (
    BadToken,
    Closed,
    Failures,
    Gate,
    NoToken,
    Tokens,
    TooManyFailures,
)

NOW = 1_800_000_000


@pytest.fixture
def tokens(keys) -> Tokens:
    return Tokens(Settings.model_validate(keys))


@pytest.fixture
def secret(keys) -> str:
    return keys["jwt_secret"].split(",")[0]


def b64(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forged(secret: str, header: Any, payload: Any) -> str:
    """Signed with HMAC-SHA256, whatever it says."""
    head = f"{b64(header)}.{b64(payload)}"
    return f"{head}.{b64(hmac.digest(secret.encode(), head.encode(), hashlib.sha256))}"


HS256 = {"alg": "HS256", "typ": "JWT"}


def said(**more: Any) -> dict[str, Any]:
    usual = {"sub": "ou_owner", "role": "admin", "aud": "feishu-ws", "exp": int(time.time()) + 600, **more}
    return {name: value for name, value in usual.items() if value is not None}


def test_who_they_are(tokens: Tokens, keys, jwt_of) -> None:
    assert tokens.actor(keys["api_token"]) == Actor("api-token", "rest", superuser=True)
    assert tokens.actor(jwt_of(sub="ou_boss", role="admin")) == Actor("ou_boss", "rest", superuser=True)
    assert tokens.actor(jwt_of(sub="ou_owner")) == Actor("ou_owner", "rest", superuser=False)


def test_the_secret_before_still_opens(tokens: Tokens, keys, jwt_of) -> None:
    """So that it can be changed while tokens are out, and taken back by dropping it."""
    new, old = keys["jwt_secret"].split(",")
    token = jwt_of(secret=old)
    assert tokens.actor(token).who == "ou_owner"
    dropped = Tokens(Settings.model_validate({**keys, "jwt_secret": new}))
    with pytest.raises(BadToken):
        dropped.actor(token)
    assert dropped.actor(jwt_of(secret=new)).who == "ou_owner"


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"exp": int(time.time()) - 3600},
        {"exp": int(time.time()) + 25 * 3600},
        {"exp": int(time.time()) + 3600, "iat": int(time.time()) - 24 * 3600},
        {"exp": "soon"},
        {"exp": str(int(time.time()) + 600)},
        {"exp": [int(time.time()) + 600]},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": 10**300},
        {"exp": {"$gt": 0}},
        {"iat": int(time.time()) + 3600},
        {"iat": "yesterday"},
        {"iat": float("nan")},
        {"nbf": int(time.time()) + 3600},
        {"aud": None},
        {"aud": "another"},
        {"aud": "feishu-ws-2"},
        {"aud": ["feishu-ws", "another"]},
        {"aud": ["feishu-ws"]},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": ["ou_owner"]},
        {"sub": "two words"},
        {"sub": "ou_a,ou_b"},
        {"sub": "x" * 65},
        {"sub": "line\nbreak"},
        {"sub": "bidi\u202eou"},
        {"sub": "shell:root"},
        {"sub": "api:api-token"},
        {"sub": "nobody:"},
        {"sub": "api-token"},
        {"role": None},
        {"role": "root"},
        {"role": "Admin"},
        {"role": ["admin"]},
        {"role": {"admin": True}},
    ],
    ids="-".join,  # not the values: processes that share the tests out must agree on names
)
def test_claims_that_open_nothing(tokens: Tokens, secret: str, claims: dict[str, Any]) -> None:
    assert tokens.actor(forged(secret, HS256, said())).superuser, "the forger's tools work"
    with pytest.raises(BadToken):
        tokens.actor(forged(secret, HS256, said(**claims)))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "typ": "JWT"},
        {"alg": "None"},
        {"alg": "HS384"},
        {"alg": "HS512"},
        {"alg": "RS256"},
        {"alg": "ES256"},
        {"alg": ["HS256"]},
        {"alg": None},
        {"typ": "JWT"},
        {**HS256, "kid": "../../../../dev/null"},
        {**HS256, "kid": "1"},
        {**HS256, "jku": "http://127.0.0.1/keys"},
        {**HS256, "jwk": {"kty": "oct", "k": "AAAA"}},
        {**HS256, "x5u": "http://127.0.0.1/x"},
        {**HS256, "crit": ["b64"], "b64": False},
        {**HS256, "zip": "DEF"},
        [],
        "HS256",
        7,
        b"{",
        b"\xff\xfe",
    ],
    ids=str,
)
def test_headers_that_open_nothing(tokens: Tokens, secret: str, header: Any) -> None:
    with pytest.raises(BadToken):
        tokens.actor(forged(secret, header, said()))


def test_signatures_that_open_nothing(tokens: Tokens, keys, secret: str) -> None:
    good = forged(secret, HS256, said(role="owner"))
    head, payload, signature = good.split(".")
    for token in (
        f"{b64({'alg': 'none'})}.{payload}.",
        f"{head}.{payload}.",
        f"{head}.{payload}",
        f"{head}.{b64(said(role='admin'))}.{signature}",  # another's signature
        f"{head}.{payload}.{signature[:-2]}",
        f"{head}.{payload}.{signature}A",
        f"{good}.{good}",
        forged("", HS256, said()),
        forged(secret[:-1], HS256, said()),
        forged(keys["api_token"], HS256, said()),  # a key of the house, and the wrong one
        forged(keys["jwt_secret"], HS256, said()),  # the setting as it stands
        jwt.encode(said(), secret + "x" * 32, "HS512"),
        jwt.encode(said(), None, "none"),
        forged(secret, HS256, b"[" * 1500),
        forged(secret, HS256, b"7"),
        forged(secret, HS256, b"[]"),
        forged(secret, HS256, b"\xff"),
        forged(secret, b'{"alg":"HS256","typ":' + b"[" * 1500, said()),
        forged(secret, HS256, said(filler="x" * 4096)),
        "..",
        "a.b.c",
        "\ud800.\ud800.\ud800",
        "ключ",
        keys["api_token"] + " ",
        keys["api_token"][:-1],
        secret,
        "",
    ):
        with pytest.raises(BadToken):
            tokens.actor(token)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_one_algorithm_alone(algorithm: str) -> None:
    """Rightly signed, with a secret that is long enough for all of them."""
    secret = "canary-jwt-secret-that-is-long-enough-for-every-algorithm-there-is-0123"
    tokens = Tokens(Settings(jwt_secret=SecretStr(secret)))
    token = jwt.encode(said(), secret, algorithm)
    if algorithm == "HS256":
        assert tokens.actor(token).superuser
    else:
        with pytest.raises(BadToken):
            tokens.actor(token)


def test_one_kind_of_key_opens_no_other_door(keys, jwt_of) -> None:
    only_token = Tokens(Settings(api_token=SecretStr(keys["api_token"])))
    with pytest.raises(BadToken):
        only_token.actor(jwt_of())
    only_secret = Tokens(Settings(jwt_secret=SecretStr(keys["jwt_secret"])))
    for token in (keys["api_token"], "", *keys["jwt_secret"].split(",")):
        with pytest.raises(BadToken):
            only_secret.actor(token)
    assert not Tokens(Settings()).any


@pytest.mark.parametrize("name", ["api_token", "jwt_secret"])
@pytest.mark.parametrize(
    "key",
    [
        "short",
        "x" * 31,
        "x" * 64,
        "abababababababababababababababababababab",
        "changeme-changeme-changeme-changeme-123",
        "a-string-secret-at-least-256-bits-long",  # what a well-known page about JWTs proposes
        "your-256-bit-secret-your-256-bit-secret",
    ],
)
def test_keys_that_are_easily_guessed_are_refused_at_start(name: str, key: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Settings.model_validate({name: key})
    (problem,) = raised.value.errors()
    assert problem["loc"] == (name,)
    assert "openssl rand -hex 32" in problem["msg"]
    assert key not in str(raised.value)


def test_each_of_several_secrets_is_looked_at(keys) -> None:
    good = keys["api_token"]
    for several in (f"{good},short", f"{good},", f",{good}", ","):
        with pytest.raises(ValidationError, match="32 bytes"):
            Settings.model_validate({"jwt_secret": several})
    made = Settings.model_validate({"jwt_secret": f" {good} , {good[::-1]} "})
    assert made.jwt_secret == SecretStr(f"{good},{good[::-1]}")
    with pytest.raises(ValidationError, match="letters, digits"):
        Settings.model_validate({"api_token": f"{good} {good}"})
    assert Settings.model_validate({"api_token": "", "jwt_secret": " "}).api_token is None


def test_wrong_tokens_are_counted_by_address(keys, jwt_of) -> None:
    now = [100.0]
    gate = Gate(Settings.model_validate(keys), Failures(most=3, window=60, now=lambda: now[0]))
    for _ in range(3):
        with pytest.raises(BadToken):
            gate.admit("wrong", "10.0.0.1")
        now[0] += 1
    with pytest.raises(TooManyFailures) as raised:
        gate.admit(keys["api_token"], "10.0.0.1")
    assert raised.value.retry_after == 57
    with pytest.raises(NoToken):
        gate.admit(None, "10.0.0.1")
    assert gate.admit(keys["api_token"], "10.0.0.2").superuser, "somebody elsewhere"
    assert gate.admit(keys["api_token"], "10.0.0.1").superuser, "it was right a moment ago"
    with pytest.raises(TooManyFailures):
        gate.admit(jwt_of(), "10.0.0.1")
    now[0] += 57
    assert gate.admit(jwt_of(), "10.0.0.1").who == "ou_owner"


def test_a_token_that_was_good_is_looked_at_again(keys, jwt_of, monkeypatch) -> None:
    gate = Gate(Settings.model_validate(keys))
    token = jwt_of()
    gate.admit(token, "10.0.0.1")
    later = time.time() + 3600
    monkeypatch.setattr(jwt.api_jwt, "datetime", _Clock(later))
    with pytest.raises(BadToken):
        gate.admit(token, "10.0.0.1")


class _Clock:
    """`datetime` as PyJWT uses it, at another time."""

    def __init__(self, at: float) -> None:
        self._at = at

    def now(self, tz: Any = None) -> Any:
        from datetime import datetime

        return datetime.fromtimestamp(self._at, tz)

    def __getattr__(self, name: str) -> Any:
        import datetime

        return getattr(datetime.datetime, name)


def test_memory_is_bounded_whoever_calls(keys) -> None:
    failures = Failures(most=3, capacity=100)
    gate = Gate(Settings.model_validate(keys), failures)
    for number in range(1000):
        with pytest.raises(BadToken):
            gate.admit(f"wrong{number}", f"10.1.{number >> 8}.{number & 255}")
    assert len(failures) == 100
    for number in range(3):
        failures.add(f"2001:db8::{number}")
    assert failures.wait("2001:db8::ffff"), "who has one address of IPv6 has 2^64"
    assert not failures.wait("2001:db8:0:1::1")
    for _ in range(3):
        failures.add("::ffff:10.9.9.9")
    assert failures.wait("10.9.9.9")
    for address in ("", "a" * 10_000):
        failures.add(address)
        assert not failures.wait(address)


def test_without_keys_it_is_closed(keys) -> None:
    gate = Gate(Settings())
    assert gate.closed
    for token in (None, "", "wrong", keys["api_token"]):
        with pytest.raises(Closed):
            gate.admit(token, "10.0.0.1")


def test_what_is_logged_of_a_wrong_token(keys, jwt_of, caplog) -> None:
    gate = Gate(Settings.model_validate(keys))
    for token in ("canary-wrong-token", jwt_of(secret="s" * 40), jwt_of(role="canary-role")):
        with pytest.raises(BadToken) as raised:
            gate.admit(token, "10.0.0.1")
        assert "canary" not in f"{raised.value!r} {vars(raised.value)} {caplog.text}"
        assert token not in caplog.text
    assert caplog.text.count("a bearer token from 10.0.0.1 is refused") == 3
