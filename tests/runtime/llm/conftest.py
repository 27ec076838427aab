"""A bot whose model is a script."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from office import Office, Open
from pydantic_ai import ModelMessage
from pydantic_ai.models.function import AgentInfo, FunctionModel


@pytest.fixture
async def open_office(connect: Any, runtime: Any) -> AsyncIterator[Open]:
    from nonebot_plugin_feishu_ws import butler
    from nonebot_plugin_feishu_ws.butler.llm import LlmBrain, Resumer, install_stop
    from nonebot_plugin_feishu_ws.cards import Pace
    from nonebot_plugin_feishu_ws.config import ButlerLimits
    from nonebot_plugin_feishu_ws.texts.llm import LlmTexts

    pace = Pace(interval=0.01, replaced=0.01, retry_first=0.01, retry_most=0.05, patience=5.0)
    ends: list[Callable[[], Any]] = []

    async def start(
        *script: Any,
        approvers: tuple[str, ...] = ("*",),
        limits: Any = None,
        prompt: str = "",
        model: Any = None,
        **more: Any,
    ) -> Office:
        company = await connect()
        world = company.sandbox.world
        bob = world.add_user("Bob")
        group = world.add_group("Office", [company.alice, bob, company.app])
        link = runtime._supervisor.get(company.app.app_id)
        link.spec = link.spec.model_copy(update={"approvers": approvers})
        office = Office(company, bob, group, None, list(script))  # type: ignore[arg-type]

        async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Any]:
            office.seen.append(f"{info.instructions}\n{messages!r}")
            office.offered.append([tool.name for tool in info.function_tools])
            async for piece in office.script.pop(0)(messages):
                yield piece

        office.brain = LlmBrain(
            model or FunctionModel(stream_function=stream),
            butler.tools,
            runtime.management.database,
            runtime._lease,
            runtime._outbox,
            limits=limits or ButlerLimits(),
            prompt=prompt,
            pace=pace,
            **more,
        )
        butler.use(office.brain)

        async def turn_of(run: Any, payload: bytes) -> Any:
            seat = runtime._approvals._seats()[run.connector]
            return await seat.turn(run_as_approval(run), payload)

        resumer = Resumer(office.brain, runtime._butler, lambda: [company.app.app_id], turn_of, every=0.05)
        resumer.start()
        ends.append(lambda: resumer.stop(1.0))
        clicks = install_stop(office.brain, lambda _: LlmTexts("en_US"), runtime._butler.stop_elsewhere)

        async def forget() -> None:
            clicks.destroy()
            await office.brain.close()

        ends.append(forget)
        return office

    yield start
    for end in ends:
        await end()
    butler.use(None)


def run_as_approval(run: Any) -> Any:
    from nonebot_plugin_feishu_ws.storage import ApprovalRow

    return ApprovalRow.model_construct(connector=run.connector, event_id=run.event_id, id=f"llm{run.stage}")


@pytest.fixture
def ran() -> Iterator[list[str]]:
    """Tools: one that looks, one that needs approval, one that only bosses may use. What they did."""
    from nonebot_plugin_feishu_ws import butler

    before = {known.name for known in butler.tools}
    done: list[str] = []

    @butler.tool
    async def look(where: str = "here") -> str:
        """Look somewhere."""
        done.append(f"look {where}")
        return f"it is sunny {where}"

    @butler.tool(requires_approval=True)
    async def deploy(service: str, replicas: int = 1) -> str:
        """Roll a service out."""
        done.append(f"deploy {service} {replicas}")
        return f"{service} runs {replicas} times"

    @butler.tool(name="fire-everybody", allow=lambda _: False)
    async def fire() -> str:
        done.append("fired")
        return "fired"

    yield done
    for known in butler.tools:
        if known.name not in before:
            butler.tools.remove(known.name)
