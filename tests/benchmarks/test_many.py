"""What the measures of many connectors rest upon: the platform that looks after each connection, arithmetic, plots."""

import asyncio
import contextlib
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import aiohttp
import pytest

from benchmarks.__main__ import found_measures
from benchmarks.answers import busiest
from benchmarks.children import ROOT, Child
from benchmarks.crowd import Crowd, app_name
from benchmarks.crowds import Pair, WorkError
from benchmarks.measures.growth import fill, flat, net
from benchmarks.measures.profile import finished
from benchmarks.plots import growth, histogram, spread
from feishu_sandbox.longconn.frames_pb2 import Frame
from nonebot_plugin_feishu_ws.storage import Database

# --- the platform -------------------------------------------------------------------------------------------------

APPS = 3
Connect = Callable[[int], Awaitable[aiohttp.ClientWebSocketResponse]]


@pytest.fixture
async def crowd() -> AsyncIterator[tuple[Crowd, Connect]]:
    """A platform, and what connects an app to it."""
    crowd = Crowd(APPS)
    url = await crowd.serve()
    async with aiohttp.ClientSession() as session:

        async def connect(number: int) -> aiohttp.ClientWebSocketResponse:
            async with session.post(f"{url}/callback/ws/endpoint", json={"AppID": app_name(number)}) as there:
                return await session.ws_connect((await there.json())["data"]["URL"])

        yield crowd, connect
    await crowd.close()


async def ack(ws: aiohttp.ClientWebSocketResponse, payload: bytes = b'{"code":200}', times: int = 1) -> str:
    """Acknowledge the next event; whose it is."""
    frame = Frame.FromString(await ws.receive_bytes(timeout=5))
    app_id = json.loads(frame.payload)["header"]["app_id"]
    frame.payload = payload
    for _ in range(times):
        await ws.send_bytes(frame.SerializeToString())
    return app_id


async def test_events_go_over_all_connections_in_turn(crowd: tuple[Crowd, Connect]) -> None:
    platform, connect = crowd
    there = [await connect(number) for number in range(APPS)]
    assert (await platform.do({"open": APPS}))["open"] == APPS
    pushed = asyncio.create_task(platform.do({"push": {"count": 2 * APPS, "window": 2}}))
    for _ in range(2):
        assert [await ack(ws) for ws in there] == [app_name(number) for number in range(APPS)]
    told = await pushed
    assert (told["acked"], told["twice"], told["refused"], len(told["took"])) == (6, 0, 0, 6)


async def test_what_is_refused_or_acked_twice_is_seen(crowd: tuple[Crowd, Connect]) -> None:
    platform, connect = crowd
    ws = await connect(0)
    pushed = asyncio.create_task(platform.do({"push": {"count": 3, "window": 3}}))
    await ack(ws, b'{"code":500}')
    await ack(ws, times=2)
    await ack(ws)
    told = await pushed
    assert (told["acked"], told["twice"], told["refused"]) == (3, 1, 1)


async def test_silence_is_kept_until_the_client_has_another_connection(crowd: tuple[Crowd, Connect]) -> None:
    platform, connect = crowd
    first = await connect(0)
    waiting = asyncio.create_task(platform.do({"silence": {"within": 10, "apart": 0.01}}))
    await asyncio.sleep(0.1)  # it is silent now
    await first.ping()
    with pytest.raises(TimeoutError):
        await first.receive(timeout=0.2)
    second = await connect(0)
    told = await waiting
    assert (told["silent"], told["left"]) == (1, [])
    assert 0.2 < told["back"][0] < 5
    await second.close()


async def test_who_stays_away_after_a_drop_is_missed(crowd: tuple[Crowd, Connect]) -> None:
    platform, connect = crowd
    there = [await connect(number) for number in range(2)]
    dropped = asyncio.create_task(platform.do({"drop": 1.0}))
    assert [(await ws.receive(timeout=5)).type for ws in there] == [aiohttp.WSMsgType.CLOSED] * 2
    again = await connect(1)
    told = await dropped
    assert (told["dropped"], len(told["back"]), told["open"]) == (2, 1, 1)
    await again.close()


class Scripted:
    """A child that says what it was given."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self._answers = list(answers)

    async def ask(self, what: object, within: float = 60.0) -> dict[str, Any]:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    async def gone(self) -> None:
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("wrong", "handled", "different"),
    [
        ({"acked": 9}, 10, 10),
        ({"twice": 1}, 10, 10),
        ({"refused": 1}, 10, 10),
        ({}, 9, 9),
        ({}, 10, 9),
        ({}, 11, 11),
    ],
)
async def test_work_that_is_not_done_once_is_an_error(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, int], handled: int, different: int
) -> None:
    monkeypatch.setattr("benchmarks.crowds._LATER", 0.01)
    platform = Scripted({"acked": 10, "twice": 0, "refused": 0, "took": [1.0], **wrong})
    client = Scripted({"handled": 0, "different": 0}, {"handled": handled, "different": different})
    with pytest.raises(WorkError):
        await Pair(cast("Child", platform), cast("Child", client)).push(10, 5)


def test_what_is_found_has_its_place_on_the_page() -> None:
    readme = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    plots = ("drops-plot", "growth-connectors-plot", "growth-stored-plot")
    profiles = ("profile-gateway", "profile-inbox", "profile-filtered", "profile-plugin")
    tables = ("idle", "drops", "silence", "memory", "load", "streaming", "growth-connectors", "growth-stored")
    for name in (*tables, *plots, *profiles):
        assert readme.count(f"<!-- {name} -->") == readme.count(f"<!-- /{name} -->") == 1, name
    assert {"idle", "drops", "memory", "load", "streaming", "growth", "profile"} <= set(found_measures())


# --- figures ------------------------------------------------------------------------------------------------------


def test_what_goes_on_without_events_is_not_theirs() -> None:
    assert net(used=1.0, took=2.0, rest=0.1) == pytest.approx(0.8)


def test_flat_is_what_does_not_rise_above_the_noise() -> None:
    assert flat([[100, 130, 110], [999, 999, 999], [129, 128, 131]]), "the worst of the first"
    assert flat([[100, 100, 100], [109, 109, 200]]), "a tenth"
    assert not flat([[100, 101, 100], [120, 121, 119]])


def test_the_busiest_second_may_begin_anywhere() -> None:
    assert busiest([]) == 0
    assert busiest([0.0, 0.9, 1.0, 1.1, 1.85, 3.0]) == 4


def test_the_spread_of_a_point_is_around_its_median() -> None:
    assert spread([[3, 1, 2], [4, 8]]) == ([2, 6], [1, 2], [1, 2])


async def test_stored_events_are_done_and_logged(tmp_path: Path) -> None:
    file = tmp_path / "bench.sqlite3"
    database = Database(f"sqlite+aiosqlite:///{file}")
    await database.start()
    await database.close()
    fill(file, 0)
    fill(file, 50)
    with contextlib.closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT state, count(*) FROM feishu_ws_event").fetchall() == [("done", 50)]
        assert connection.execute("SELECT count(DISTINCT event_id) FROM feishu_ws_log").fetchone() == (50,)


# --- pictures -----------------------------------------------------------------------------------------------------


def letters(path: Path) -> str:
    return " ".join(
        "".join(text.itertext()) for text in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")
    )


def test_a_plot_of_growth_names_its_sizes_on_white(tmp_path: Path) -> None:
    points = [(0, [9, 10, 12]), (10_000, [10, 10, 10]), (1_000_000, [11, 10, 12])]
    growth(tmp_path / "a.svg", points, across="events stored", up="µs", title="It is flat")
    said = letters(tmp_path / "a.svg")
    for words in ("0", "10,000", "1,000,000", "events stored", "µs", "It is flat"):
        assert words in said
    assert "fill: #ffffff" in (tmp_path / "a.svg").read_text()
    growth(tmp_path / "b.svg", points, across="events stored", up="µs", title="It is flat")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes(), "nothing new is no change"


def test_a_histogram_has_a_bar_for_each_width(tmp_path: Path) -> None:
    histogram(tmp_path / "a.svg", [0.1, 1.9, 2.0, 9.9], width=2, across="s", up="back", title="Back")
    bars = re.findall(r'<g id="patch_\d+">\s*<path d="[^"]*" clip-path', (tmp_path / "a.svg").read_text())
    assert len(bars) == 5


def test_a_profile_has_a_title_and_is_not_too_large(tmp_path: Path) -> None:
    picture = tmp_path / "a.svg"
    assert finished(picture, "Gateway", "py-spy: Permission denied") == [
        "no profile: py-spy: Permission denied"
    ]
    picture.write_text('<svg><text id="title" x="5">py-spy record --pid 1</text><text>py-spy</text></svg>')
    assert finished(picture, "Gateway", "") == []
    assert picture.read_text() == '<svg><text id="title" x="5">Gateway</text><text>py-spy</text></svg>'
    picture.write_text("x" * 300_001)
    assert finished(picture, "Gateway", "") == ["its profile has 300,001 characters"]
