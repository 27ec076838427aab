"""What NoneBot's store does with a plugin: load it without a setting, under a driver with every mixin and no app.

Run by scripts/check-wheel and scripts/matrix in an environment with nothing but the wheel, and by tests/loading.
"""

import json
import sys
from typing import Any

import nonebot
from nonebot.drivers import ASGIMixin, HTTPClientMixin, WebSocketClientMixin
from nonebot.drivers.none import Driver as NoneDriver


class Driver(NoneDriver, ASGIMixin, HTTPClientMixin, WebSocketClientMixin):
    """The store's `fake`: what takes its app at load, or asks for one, fails."""

    type = "fake"

    @property
    def server_app(self) -> Any:
        return None

    @property
    def asgi(self) -> Any:
        raise NotImplementedError

    def setup_http_server(self, *_: Any) -> None:
        raise NotImplementedError

    setup_websocket_server = setup_http_server

    async def request(self, *_: Any) -> Any:
        raise NotImplementedError

    def stream_request(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    get_session = websocket = stream_request


def main() -> int:
    nonebot.init(driver="__main__:Driver")
    plugin = nonebot.load_plugin("nonebot_plugin_feishu_ws")
    about = plugin and plugin.metadata
    if about is None or about.config is None:
        return 1
    print(
        json.dumps(
            {
                "python": sys.version.split()[0],
                "name": about.name,
                "type": about.type,
                "homepage": about.homepage,
                "adapters": sorted(about.supported_adapters or ()),
                "lark_oapi": "lark_oapi" in sys.modules,
            },
            ensure_ascii=False,
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
