"""Whether the bot on this host is at work: its row in the database is there, and its beat goes on.

Exit code 0 if so. Needs FEISHU_WS__DATABASE_URL, as the bot does.
"""

import asyncio
import os
import socket
import sys

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

_BEATS = text("SELECT sum(beat) FROM feishu_ws_worker WHERE label LIKE :host || ':%'")
_LONGER_THAN_A_BEAT = 5.0  # seconds


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
    sys.exit(not asyncio.run(healthy(os.environ["FEISHU_WS__DATABASE_URL"], socket.gethostname())))
