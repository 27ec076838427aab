"""All long connections: who is connected, what is pushed where, what was acknowledged. And what is posted instead, for
apps with a request URL.

Facts, "Platform rules" and limits table: one random connection of the app gets an event; without an ack 200
within 3 s it is pushed again after 15 s, 5 min, 1 h, 6 h; callbacks are pushed once.
"""

import asyncio
import base64
import contextlib
import itertools
import json
import random
import re
from collections.abc import Coroutine
from typing import Any, Literal

from ..faults import Drop, Faults, FragmentFault, GreetFault, PongFault, PushFault, SendRaw
from ..posts import Posts
from ..rules import Rules
from ..world import App, ChangeKind, ClickFailed, Json, World
from ..world.clicks import ANSWERED_ERROR, BAD_ANSWER, NOT_REACHED
from ..world.events import envelope as new_envelope
from ..world.loose import parse_object
from .connection import Ack, Connection, preview
from .delivery import POSTED, Delivery
from .frames import CONTROL, DATA, event_frames, headers_of, pong
from .frames_pb2 import Frame
from .watch import Watch


class Hub(Watch):
    """The platform's side of every long connection; carries the world's events (its ``Wire``)."""

    def __init__(self, world: World, faults: Faults, rules: Rules, posts: Posts) -> None:
        super().__init__()
        self._posts = posts
        self._world = world
        self._faults = faults
        self._rules = rules
        self._tasks: set[asyncio.Task[None]] = set()
        faults.performs(Drop, lambda action: self.drop(self._app(action), action.how, action.close_code))
        faults.performs(SendRaw, lambda action: self.send_raw(self._app(action), action.data))
        world.wire = self

    def _app(self, action: Drop | SendRaw) -> App | None:
        return None if action.app_id is None else self._world.apps[action.app_id]

    # What the platform sends

    def push(self, app: App, envelope: Json) -> None:
        """Deliver an event, by the schedule until it is acknowledged."""
        fault = self._faults.take(PushFault, app.app_id, lambda f: _matches(f, envelope))
        delivery = Delivery(app=app, envelope=envelope)
        self.record(delivery)
        if fault is None:
            self._start(self._deliver(delivery, "event", 1))
        elif fault.copies:
            self._start(self._deliver(delivery, fault.frame_type, fault.copies))

    async def _deliver(self, delivery: Delivery, frame_type: Literal["event", "card"], copies: int) -> None:
        for wait in (0.0, *self._rules.push_again_after):
            if wait:
                await asyncio.sleep(wait)
            ack = await self._attempt(delivery, frame_type, copies, self._rules.ack_timeout)
            if ack is not None and ack.code == 200:
                delivery.state = "acked"
                break
        else:
            delivery.state = "given_up"
        self.bell.ring()

    async def call(self, app: App, envelope: Json) -> object:
        """Deliver a callback: once, with an answer in 3 s or none (facts, limits table).

        Raises ClickFailed with what the client shows.
        """
        fault = self._faults.take(PushFault, app.app_id, lambda f: _matches(f, envelope))
        delivery = Delivery(app=app, envelope=envelope)
        self.record(delivery)
        frame_type, copies = (fault.frame_type, fault.copies) if fault else ("event", 1)
        ack = await self._attempt(delivery, frame_type, copies, self._rules.callback_timeout)
        delivery.state = "acked" if ack is not None and ack.code == 200 else "given_up"
        if not any(delivery.pushes):
            raise ClickFailed(NOT_REACHED, "the app has no long connection")
        if ack is None or ack.code != 200:
            reason = "no answer in time" if ack is None else f"the app answered with code {ack.code}"
            raise ClickFailed(ANSWERED_ERROR, reason)
        if ack.data is None:
            raise ClickFailed(BAD_ANSWER, "the ack has no data, or it is not base64 of JSON")
        return ack.data

    async def _attempt(
        self, delivery: Delivery, frame_type: Literal["event", "card"], copies: int, within: float
    ) -> Ack | None:
        """Push once, to a random connection or the request URL, and wait for the ack."""
        if delivery.app.request_url is not None:
            return await self._post(delivery, copies, within)
        candidates = self.online(delivery.app)
        if not candidates:
            delivery.pushes.append("")
            return None
        connection = random.choice(candidates)  # noqa: S311 - fairness, not secrecy
        delivery.pushes.append(connection.conn_id)
        delivery.answer = asyncio.get_running_loop().create_future()
        if connection.silence() is None:
            for _ in range(copies):
                for frame in self._frames(delivery, connection, frame_type):
                    self._show(ChangeKind.FRAME_OUT, connection, frame)
                    await connection.send_frame(frame)
        self.bell.ring()
        try:
            async with asyncio.timeout(within):
                return await delivery.answer
        except TimeoutError:
            return None

    async def _post(self, delivery: Delivery, copies: int, within: float) -> Ack | None:
        first = len(delivery.acks)
        delivery.pushes.append(POSTED)
        self._show_post(ChangeKind.FRAME_OUT, delivery, delivery.payload)
        self.bell.ring()
        sent = (self._posts.send(delivery.app, delivery.envelope, within) for _ in range(copies))
        for answer in filter(None, itertools.chain.from_iterable(await asyncio.gather(*sent))):
            ack = delivery.posted(answer)
            self.acks.append(ack)
            said = json.dumps({"code": answer.status, "data": answer.data})
            self._show_post(ChangeKind.FRAME_IN, delivery, said.encode())
        self.bell.ring()
        return next(iter(delivery.acks[first:]), None)

    def _frames(
        self, delivery: Delivery, connection: Connection, frame_type: Literal["event", "card"]
    ) -> list[Frame]:
        fault = self._faults.take(FragmentFault, delivery.app.app_id)
        payload = delivery.payload
        return event_frames(
            payload,
            service=connection.service_id,
            message_id=delivery.message_id,
            trace_id=delivery.trace_id,
            frame_type=frame_type,
            parts=fault.parts if fault else -(-len(payload) // self._rules.fragment_size),
            send=fault.send if fault else None,
            claimed_sum=fault.claimed_sum if fault else None,
        )

    def send_raw(self, app: App | None, data: bytes) -> None:
        """Send bytes as one binary message on every open connection of an app, or of all."""
        for connection in self.online(app):
            self._start(connection.send_bytes(data))

    def send_frame(self, app: App | None, frame: Frame) -> None:
        """Send any frame on every open connection of an app, or of all."""
        self.send_raw(app, frame.SerializeToString())

    def drop(
        self, app: App | None, how: Literal["fin", "rst", "close"] = "fin", close_code: int = 1000
    ) -> None:
        """End the open connections of an app, or all."""
        for connection in self.online(app):
            self._start(connection.drop(how, close_code))

    # What clients send

    async def serve(self, connection: Connection) -> None:
        """Hold a connection whose handshake is done, until it ends."""
        app_id = connection.app.app_id
        self.connections.append(connection)
        about = {"app_id": app_id, "conn_id": connection.conn_id}
        self._world.feed.publish(ChangeKind.CONNECTED, data=about)
        self.bell.ring()
        try:
            async for raw, frame in connection.messages():
                if frame is not None:
                    self._show(ChangeKind.FRAME_IN, connection, frame)
                    await self._received(connection, frame, raw)
                self.bell.ring()
        finally:
            connection.close_code = connection.ws.close_code
            connection.closed_at = asyncio.get_running_loop().time()
            for delivery in self.deliveries:
                if delivery.pushes[-1:] == [connection.conn_id]:
                    delivery.settle(None)
            self._world.feed.publish(ChangeKind.DISCONNECTED, data=about)
            self.bell.ring()

    async def greet(self, connection: Connection) -> None:
        """Send the event of a GreetFault, if one stands; called while the 101 is still held back."""
        fault = self._faults.take(GreetFault, connection.app.app_id)
        if fault is None:
            return
        delivery = Delivery(
            app=connection.app, envelope=new_envelope(connection.app, fault.event_type, fault.event)
        )
        delivery.pushes.append(connection.conn_id)
        self.record(delivery)
        for frame in self._frames(delivery, connection, "event"):
            self._show(ChangeKind.FRAME_OUT, connection, frame)
            await connection.send_frame(frame)

    async def _received(self, connection: Connection, frame: Frame, raw: bytes) -> None:
        headers = headers_of(frame)
        if frame.method == CONTROL and headers.get("type") == "ping":
            connection.pings.append(asyncio.get_running_loop().time())
            if connection.silence() is None:
                fault = self._faults.take(PongFault, connection.app.app_id)
                config = json.dumps(self._rules.client_config.to_json()) if fault is None else fault.payload
                answer = pong(connection.service_id, config.encode())
                self._show(ChangeKind.FRAME_OUT, connection, answer)
                await connection.send_frame(answer)
        elif frame.method == DATA:
            self._acknowledged(connection, frame, raw, headers)

    def _acknowledged(
        self, connection: Connection, frame: Frame, raw: bytes, headers: dict[str, str]
    ) -> None:
        message_id = headers.get("message_id", "")
        delivery = self.pushed_on(connection, message_id)
        code, data = _read_ack(frame.payload)
        ack = Ack(
            app_id=connection.app.app_id,
            conn_id=connection.conn_id,
            message_id=message_id,
            event_id=delivery.event_id if delivery else None,
            code=code,
            data=data,
            headers=headers,
            frame=frame,
            raw=raw,
            at=asyncio.get_running_loop().time(),
        )
        self.acks.append(ack)
        if delivery is not None:
            delivery.acks.append(ack)
            delivery.settle(ack)

    def _show(self, kind: ChangeKind, connection: Connection, frame: Frame) -> None:
        headers = headers_of(frame)
        self._world.feed.publish(
            kind,
            data={
                "app_id": connection.app.app_id,
                "conn_id": connection.conn_id,
                "method": "data" if frame.method == DATA else "control",
                "type": headers.get("type", ""),
                "message_id": headers.get("message_id", ""),
                "seq": headers.get("seq", ""),
                "sum": headers.get("sum", ""),
                "headers": headers,
                "size": frame.ByteSize(),
                "payload": preview(frame.payload),
            },
        )

    def _show_post(self, kind: ChangeKind, delivery: Delivery, payload: bytes) -> None:
        about = {"app_id": delivery.app.app_id, "conn_id": POSTED, "message_id": delivery.message_id}
        about |= {"method": "data", "type": "event", "size": str(len(payload)), "payload": preview(payload)}
        self._world.feed.publish(kind, data=about)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop pushing and end every connection."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in self.online():
            await connection.drop("fin")


def _matches(fault: PushFault, envelope: Json) -> bool:
    return re.search(fault.event_type, envelope["header"]["event_type"]) is not None


def _read_ack(payload: bytes) -> tuple[int | None, object]:
    """Code and decoded data of ``{"code": …, "data": base64(JSON)}`` (facts, "Ack")."""
    body = parse_object(payload) or {}
    code, encoded = body.get("code"), body.get("data")
    data: object = None
    if isinstance(encoded, str):
        with contextlib.suppress(ValueError, RecursionError):  # neither base64 nor JSON
            data = json.loads(base64.b64decode(encoded, validate=True))
    return (code if isinstance(code, int) else None), data
