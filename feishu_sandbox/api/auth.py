"""Tokens, the bot's identity, and how many connections it has."""

import hmac
import re

from aiohttp import web

from ..world import SCOPES, Json
from .call import Call
from .errors import NO_BOT, ApiError

_APP_ID = re.compile(r"cli_\w{4,64}")


async def tenant_access_token(call: Call) -> web.StreamResponse:
    """``POST /auth/v3/tenant_access_token/internal`` (facts, "Tokens").

    Wrong credentials are an HTTP 200 with 10003 (malformed) or 10014 (unknown app, wrong secret).
    """
    app_id, secret = str(call.body.get("app_id") or ""), str(call.body.get("app_secret") or "")
    app = call.world.apps.get(app_id)
    if not secret or (app is None and not _APP_ID.fullmatch(app_id)):
        return web.json_response({"code": 10003, "data": {}, "msg": "invalid param"})
    if app is None:
        return web.json_response({"code": 10014, "msg": "app id not exists"})
    if not hmac.compare_digest(app.app_secret.encode(), secret.encode()):
        return web.json_response({"code": 10014, "msg": "app secret invalid"})
    token, expire = call.platform.tokens.issue(app)
    return web.json_response({"code": 0, "msg": "ok", "tenant_access_token": token, "expire": expire})


async def bot_info(call: Call) -> web.StreamResponse:
    """``GET /bot/v3/info``: not wrapped in ``data`` (Feishu, "获取机器人信息")."""
    if not call.app.bot:
        raise ApiError(*NO_BOT)
    bot: Json = {
        "activate_status": 2 if call.app.active else 0,
        "app_name": call.app.name,
        "avatar_url": f"http://{call.request.host}/sandbox/avatar/{call.app.app_id}",
        "ip_white_list": [],
        "open_id": call.app.open_id,
    }
    return web.json_response({"code": 0, "msg": "ok", "bot": bot})


async def connections(call: Call) -> Json:
    """``GET /event/v1/connection`` (facts, "Platform rules"): 10 calls per second."""
    full = call.platform.limits.count((call.app.app_id, "online"), (10, 1.0))
    if full is not None:
        raise ApiError(
            99991400, "request trigger frequency limit", status=call.platform.rules.rate_limit_status
        )
    return {"online_instance_cnt": call.platform.online(call.app)}


async def scopes(call: Call) -> Json:
    """``GET /application/v6/scopes`` (Feishu, "查询租户授权状态"): what was asked for, granted (1) or not (2)."""
    granted = call.app.scopes
    return {
        "scopes": [
            {"scope_name": name, "grant_status": 1 if name in granted else 2, "scope_type": "tenant"}
            for name in sorted(granted.union(SCOPES))
        ]
    }
