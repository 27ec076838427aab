"""The server's access log: what is behind the `?` of our addresses stays out of it.

No token belongs in an address, but people put them there, and a link that signs somebody in carries its code.
"""

import logging

from typing_extensions import override

_OURS = ("/api/integrations/feishu", "/feishu/")
_PATH, _COUNT = 2, 5  # uvicorn: client, method, path with query, HTTP version, status


class _WithoutQuery(logging.Filter):
    @override
    def filter(self, record: logging.LogRecord) -> bool:
        args = record.args
        if isinstance(args, tuple) and len(args) == _COUNT and str(args[_PATH]).startswith(_OURS):
            path = str(args[_PATH]).partition("?")[0]
            record.args = (*args[:_PATH], path, *args[_PATH + 1 :])
        return True


_FILTER = _WithoutQuery()


def leave_queries_out() -> None:
    """Do so from now on. May be called again."""
    logging.getLogger("uvicorn.access").addFilter(_FILTER)
