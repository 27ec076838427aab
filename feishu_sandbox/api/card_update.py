"""``POST /interactive/v1/card/update``: a clicked card, later (facts, "Card callback" and limits table)."""

import json

from ..world import Json
from ..world.loose import as_object
from .call import Call
from .contents import check_card, check_parts
from .errors import TOO_LONG, ApiError, bad_field, unknown_id


async def update(call: Call) -> Json:
    """Body ``{token, card}``; the token of a click works after its answer, for 30 minutes, twice.

    Without a documented code for each case, all bad tokens are 10002 as in Feishu's table of this page.
    """
    value = call.text("token")
    if value.startswith("om_"):
        raise unknown_id("token", value)
    card = as_object(call.body.get("card"))
    if not card:
        raise bad_field("card", "card is required")
    rules = call.platform.rules
    if len(json.dumps(card, ensure_ascii=False).encode()) > rules.max_card_size:
        raise ApiError(*TOO_LONG)
    check_card(card)
    check_parts(card, rules)
    token = call.world.update_tokens.get(value)
    if token is None or token.app is not call.app:
        raise ApiError(10002, "invalid token")
    if not token.answered:
        raise ApiError(10002, "the callback has not been answered yet")
    if rules.clock() - token.issued_at > rules.update_token_ttl:
        raise ApiError(10002, "token expired")
    if token.uses >= rules.update_token_uses:
        raise ApiError(10002, "token has been used too often")
    token.uses += 1
    call.world.set_card(token.message, {key: value for key, value in card.items() if key != "open_ids"})
    return {}
