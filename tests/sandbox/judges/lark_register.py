"""lark_oapi's app registration as judge of the platform's. Argument: the platform URL. One JSON line per step."""

import json
import sys

import lark_oapi
from lark_oapi.scene.registration import RegisterAppError

platform = sys.argv[1]


def told(**what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


try:
    result = lark_oapi.register_app(
        on_qr_code=lambda info: told(link=info["url"], expire_in=info["expire_in"]),
        on_status_change=lambda info: told(**info),
        domain=platform,
        lark_domain=platform,
        app_preset={"name": "Judged"},
        addons={"callbacks": {"items": ["card.action.trigger"]}},
    )
except RegisterAppError as error:
    told(error=error.code)
else:
    told(result=result)
