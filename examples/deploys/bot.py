"""Deploys that wait for somebody's yes, and are done exactly once."""

import asyncio
from pathlib import Path
from typing import Literal

import nonebot

nonebot.init()
nonebot.load_plugin("nonebot_plugin_feishu_ws")
from nonebot_plugin_feishu_ws import butler


@butler.tool(requires_approval=True, approvers=["*"])
async def deploy(service: Literal["web", "api"], version: str) -> str:
    """Bring a version of a service to production.

    Args:
        service: Which one.
        version: As it is tagged.
    """
    script = Path(__file__).with_name("deploy.sh")
    process = await asyncio.create_subprocess_exec("sh", script, service, version)
    if await process.wait():
        raise RuntimeError(f"deploy.sh ended with {process.returncode}")
    return f"{service} is at {version}"


if __name__ == "__main__":
    nonebot.run()
