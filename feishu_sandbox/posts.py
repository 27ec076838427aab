"""Request URLs: events and callbacks posted to a developer's server, instead of pushed on a long connection.

Sources: Feishu's pages "Send events to the developer's server" (the check of the address: 1 s), "Receive events"
(signature, encryption), "Send callbacks to the developer's server".
"""

import asyncio
import base64
import contextlib
import hashlib
import io
import json
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from .faults import Faults, RequestFault
from .rules import Rules
from .world import App, Json
from .world.ids import new_id
from .world.loose import parse_object

_OVERSIZED = 4 * 2**20


class RequestUrlError(ValueError):
    """A request URL was not saved; the text says what its check found."""


@dataclass(frozen=True, slots=True)
class Post:
    """One request, ready to be sent."""

    headers: dict[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``data``: the body if it is JSON, else None."""

    status: int
    headers: dict[str, str]
    body: bytes
    data: object


def encrypted(encrypt_key: str, plain: bytes) -> str:
    """AES-256-CBC with the SHA-256 of the encrypt key, PKCS#7; the IV in front, all of it in base64."""
    vector, padder = secrets.token_bytes(16), PKCS7(128).padder()
    key = algorithms.AES(hashlib.sha256(encrypt_key.encode()).digest())
    encryptor = Cipher(key, modes.CBC(vector)).encryptor()
    filled = padder.update(plain) + padder.finalize()
    return base64.b64encode(vector + encryptor.update(filled) + encryptor.finalize()).decode()


def signature(timestamp: str, nonce: str, encrypt_key: str, body: bytes) -> str:
    """SHA-256 of timestamp, nonce, encrypt key and the body as it is sent."""
    return hashlib.sha256((timestamp + nonce + encrypt_key).encode() + body).hexdigest()


class Posts:
    """The platform's HTTP client: checks addresses, and posts to them."""

    def __init__(self, faults: Faults, rules: Rules) -> None:
        self._faults = faults
        self._rules = rules
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def save_url(self, app: App, url: str | None) -> None:
        """Check an address as Feishu does when it is saved, and use it from now on; None: long connections again.

        Raises RequestUrlError if the address did not answer the challenge within a second; then all stays as it was.
        """
        if url is None:
            app.request_url = None
            return
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise RequestUrlError("use an http(s) URL")
        challenge = new_id("")
        asked = {"challenge": challenge, "token": app.verification_token, "type": "url_verification"}
        body = _body(app, json.dumps(asked).encode())
        answer = await self._send(url, Post({}, body), self._rules.challenge_timeout)
        if answer is None:
            raise RequestUrlError(f"no answer within {self._rules.challenge_timeout:g} s")
        if answer.status != 200 or (parse_object(answer.body) or {}).get("challenge") != challenge:
            raise RequestUrlError(f"the challenge did not come back: HTTP {answer.status}")
        app.request_url = url

    def prepared(self, app: App, envelope: Json) -> Post:
        """A request as it is sent now, with a nonce of its own: encrypted and signed if the app has an encrypt key."""
        body = _body(app, json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode())
        return self._signed(app, body, str(int(self._rules.clock())))

    def _signed(self, app: App, body: bytes, timestamp: str) -> Post:
        nonce = str(secrets.randbits(63))
        headers = {
            "X-Request-Id": new_id(""),
            "X-Lark-Request-Timestamp": timestamp,
            "X-Lark-Request-Nonce": nonce,
        }
        if app.encrypt_key:
            headers["X-Lark-Signature"] = signature(timestamp, nonce, app.encrypt_key, body)
        return Post(headers, body)

    async def send(self, app: App, envelope: Json, within: float) -> list[Answer | None]:
        """Post an event or callback; the answers in order, None for one that did not come in time.

        There is one, unless a RequestFault has the same request sent twice.
        """
        assert app.request_url is not None, "asked for by the hub"
        post = self.prepared(app, envelope)
        fault = self._faults.take(RequestFault, app.app_id)
        if fault is None:
            return [await self._send(app.request_url, post, within)]
        await asyncio.sleep(fault.delay)
        posts = [self._spoiled(app, post, fault)]
        if fault.how == "replay":
            posts.append(post)
        return [await self._send(app.request_url, one, within) for one in posts]

    def _spoiled(self, app: App, post: Post, fault: RequestFault) -> Post:
        match fault.how:
            case "bad_signature":
                return Post({**post.headers, "X-Lark-Signature": "0" * 64}, post.body)
            case "no_signature":
                return Post({k: v for k, v in post.headers.items() if k != "X-Lark-Signature"}, post.body)
            case "wrong_time":
                return self._signed(app, post.body, str(int(self._rules.clock() + fault.seconds)))
            case "oversized":
                return self._signed(app, b" " * _OVERSIZED + post.body, str(int(self._rules.clock())))
            case _:
                return post

    async def _send(self, url: str, post: Post, within: float) -> Answer | None:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        headers = {"Content-Type": "application/json; charset=utf-8", **post.headers}
        try:
            async with (
                asyncio.timeout(within),
                self._session.post(
                    url, headers=headers, data=io.BytesIO(post.body), allow_redirects=False
                ) as response,
            ):
                body = await response.read()
        except (TimeoutError, aiohttp.ClientError, OSError):
            return None
        data: object = None
        with contextlib.suppress(ValueError, RecursionError):
            data = json.loads(body)
        return Answer(response.status, dict(response.headers), body, data)


def _body(app: App, plain: bytes) -> bytes:
    return json.dumps({"encrypt": encrypted(app.encrypt_key, plain)}).encode() if app.encrypt_key else plain
