"""A worker in a process of its own, told what to do line by line: `worker.py URL BEAT_EVERY PATIENCE`.

Each line of input is a JSON list, a command and its arguments; each is answered by a line of JSON.
"""

import asyncio
import json
import sys
from typing import Any

import nonebot
from sqlalchemy import insert

nonebot.init(driver="~none", log_level="CRITICAL")
nonebot.load_plugin("nonebot_plugin_feishu_ws")

from nonebot_plugin_feishu_ws.delivery import Accepted, Fenced, Inbox, Incoming, Lease
from nonebot_plugin_feishu_ws.storage import Database, DatabaseUnavailable, EventRow


def event(number: int) -> Incoming:
    return Incoming("cli_a", f"ev{number}", "im.message.receive_v1", b"{}", f"om_{number}", "oc_1")


class Worker:
    def __init__(self, url: str, beat_every: float, patience: int) -> None:
        self.database = Database(url)
        self.lease = Lease(self.database, label="worker", beat_every=beat_every, patience=patience)
        self.inbox = Inbox(self.database, self.lease)
        self.go_on = asyncio.Event()
        self.pending: asyncio.Task[str] | None = None

    async def start(self) -> str:
        await self.database.start()
        await self.lease.start()
        self.inbox.start()
        return self.lease.id

    async def accept(self, *numbers: int) -> list[int | None]:
        """The rows; None where it is known already."""
        answers = await asyncio.gather(*(self.inbox.accept(event(number)) for number in numbers))
        return [answer.row_id if isinstance(answer, Accepted) else None for answer in answers]

    async def sweep(self) -> dict[str, int]:
        """What was taken over, as soon as there is something."""
        while True:
            if taken := {left.incoming.event_id: left.row_id async for left in self.inbox.unfinished()}:
                return taken
            await asyncio.sleep(0.1)

    async def done(self, row_id: int) -> None:
        self.inbox.done(row_id)
        await self.inbox.flush()

    async def confirm(self, owner: str) -> bool:
        try:
            await self.lease.confirm(owner)
        except Fenced:
            return False
        return True

    async def id(self) -> str:
        return self.lease.id

    async def renew(self) -> str:
        await self.lease.renew()
        return self.lease.id

    async def open(self, number: int) -> str:
        """Insert an event, and stop before the commit."""
        inside = asyncio.Event()

        async def work(session: Any, owner: str) -> None:
            row = {
                "connector": "cli_a",
                "event_id": f"ev{number}",
                "message_id": f"om_{number}",
                "owner": owner,
            }
            more = {
                "event_type": "im.message.receive_v1",
                "payload": b"{}",
                "state": "RECEIVED",
                "attempts": 1,
            }
            await (await session.connection()).execute(insert(EventRow), [{**row, **more}])
            inside.set()
            await self.go_on.wait()

        async def run() -> str:
            try:
                await self.lease.write(work)
            except DatabaseUnavailable:
                return "refused"
            return "committed"

        self.pending = asyncio.create_task(run())
        await inside.wait()
        return self.lease.id

    async def commit(self) -> str:
        assert self.pending is not None
        self.go_on.set()
        return await self.pending

    async def stop(self) -> None:
        await self.inbox.stop()
        await self.lease.stop()
        await self.database.close()


async def main() -> None:
    worker = Worker(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
    while line := await asyncio.to_thread(sys.stdin.readline):
        command, *arguments = json.loads(line)
        answer = await getattr(worker, command)(*arguments)
        sys.stdout.write(json.dumps({"answer": answer}) + "\n")
        sys.stdout.flush()


asyncio.run(main())
