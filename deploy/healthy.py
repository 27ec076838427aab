"""Whether the bot on this host is at work.

With a DRIVER that serves HTTP the bot is asked itself (`/feishu/healthz`). Without, it is looked for in the database:
its row is there, and its beat goes on; that needs FEISHU_WS__DATABASE_URL, as the bot does. Exit code 0 if it is.
"""

import asyncio
import os
import socket
import sys
import urllib.error
import urllib.request

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

_BEATS = text("SELECT sum(beat) FROM feishu_ws_worker WHERE label LIKE :host || ':%'")
_LONGER_THAN_A_BEAT = 5.0  # seconds


def answers(port: str) -> bool:
    """Ask the bot."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/feishu/healthz", timeout=10) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


async def healthy(database_url: str, host: str) -> bool:
    """Look twice."""
    engine = create_async_engine(database_url)
    try:
        seen: list[int | None] = []
        for wait in (0.0, _LONGER_THAN_A_BEAT):
            await asyncio.sleep(wait)
            async with engine.connect() as connection:
                seen.append((await connection.execute(_BEATS, {"host": host})).scalar())
        return None not in seen and seen[0] != seen[1]
    finally:
        await engine.dispose()


if __name__ == "__main__":
    if any(name in os.environ.get("DRIVER", "") for name in ("fastapi", "quart")):
        sys.exit(not answers(os.environ.get("PORT", "8080")))
    sys.exit(not asyncio.run(healthy(os.environ["FEISHU_WS__DATABASE_URL"], socket.gethostname())))
