"""Scan-to-create app registration, OAuth 2.0 device flow (facts, "Registration"; RFC 8628).

On Feishu it is the accounts host that answers; here everything is one host.
"""

import base64
import binascii
import secrets
import zlib
from dataclasses import dataclass, field

from aiohttp import web

from .rules import Rules
from .world import App, Json, User, World
from .world.loose import parse_object

PATH = "/oauth/v1/app/registration"
CONFIRM_PATH = f"{PATH}/confirm"
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_MAX_ADDONS = 64 * 1024


@dataclass(eq=False, kw_only=True)
class Registration:
    """One link somebody may confirm. ``app`` and ``owner`` once they did."""

    user_code: str
    device_code: str = field(repr=False)
    expires_at: float
    interval: float
    polled_at: float | None = None
    denied: bool = False
    app: App | None = None
    owner: User | None = None
    collected: bool = False


class NotOpenError(Exception):
    """The link is unknown, expired, or was answered already."""


class Registrations:
    """The registrations under way, and the endpoint that starts and polls them."""

    def __init__(self, world: World, rules: Rules) -> None:
        self._world = world
        self._rules = rules
        self._all: dict[str, Registration] = {}

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post(PATH, self.serve)

    # What the person does

    def find(self, user_code: str) -> Registration | None:
        """The registration of a link, also an answered one; None when it is unknown or expired."""
        found = next((one for one in self._all.values() if one.user_code == user_code), None)
        return None if found is None or found.expires_at <= self._rules.clock() else found

    def approve(self, user_code: str, user: User, name: str) -> App:
        """The person confirms: a new app, theirs. Raises NotOpenError."""
        registration = self._open(user_code)
        registration.app, registration.owner = self._world.add_app(name), user
        return registration.app

    def deny(self, user_code: str) -> None:
        """The person declines. Raises NotOpenError."""
        self._open(user_code).denied = True

    def _open(self, user_code: str) -> Registration:
        found = self.find(user_code)
        if found is None or found.denied or found.app is not None:
            raise NotOpenError(user_code)
        return found

    # What the client does

    async def serve(self, request: web.Request) -> web.Response:
        """``POST /oauth/v1/app/registration``, a form with ``action``."""
        form = {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
        match form.get("action"):
            case "init":
                return web.json_response(
                    {"nonce": secrets.token_hex(16), "supported_auth_methods": ["client_secret"]}
                )
            case "begin":
                if form.get("archetype") != "PersonalAgent" or form.get("auth_method") != "client_secret":
                    return _refused("invalid_request", "archetype or auth_method is invalid")
                return web.json_response(self._begin(f"{request.scheme}://{request.host}{CONFIRM_PATH}"))
            case "poll":
                return self._poll(form.get("device_code", ""))
            case _:
                return _refused("invalid_request", "action is invalid")

    def _begin(self, uri: str) -> Json:
        rules, now = self._rules, self._rules.clock()
        self._all = {  # who comes a little late is still told "expired"
            code: one for code, one in self._all.items() if one.expires_at + rules.registration_ttl > now
        }
        letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
        registration = Registration(
            user_code=f"{letters[:4]}-{letters[4:]}",
            device_code=secrets.token_urlsafe(32),
            expires_at=now + rules.registration_ttl,
            interval=rules.registration_interval,
        )
        self._all[registration.device_code] = registration
        return {
            "device_code": registration.device_code,
            "user_code": registration.user_code,
            "verification_uri": uri,
            "verification_uri_complete": f"{uri}?user_code={registration.user_code}",
            "expires_in": rules.registration_ttl,
            "interval": rules.registration_interval,
        }

    def _poll(self, device_code: str) -> web.Response:
        registration, now = self._all.get(device_code), self._rules.clock()
        if registration is None or registration.collected:  # the secret is handed out once
            return _refused("invalid_grant", "device_code is invalid")
        if registration.denied:
            return _refused("access_denied")
        if registration.expires_at <= now:
            return _refused("expired_token")
        if registration.app is not None and registration.owner is not None:
            registration.collected = True
            return web.json_response(
                {
                    "client_id": registration.app.app_id,
                    "client_secret": registration.app.app_secret,
                    "user_info": {
                        "open_id": registration.owner.open_id(registration.app),
                        "tenant_brand": "feishu",
                    },
                }
            )
        last, registration.polled_at = registration.polled_at, now
        if last is not None and now - last < registration.interval:
            registration.interval += self._rules.registration_slow_down
            return _refused("slow_down")
        return _refused("authorization_pending")


def read_addons(packed: str) -> Json | None:
    """The link's ``addons``: base64url, without padding, of gzipped JSON. None for anything else."""
    try:
        unzip = zlib.decompressobj(wbits=31)
        text = unzip.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), _MAX_ADDONS)
    except (binascii.Error, zlib.error, ValueError):
        return None
    return parse_object(text) if unzip.eof else None


def _refused(error: str, description: str = "") -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=400)
