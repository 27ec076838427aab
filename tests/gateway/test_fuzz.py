"""The short version of fuzz.py."""

import importlib.util
import logging
import tracemalloc
from pathlib import Path

import pytest


@pytest.fixture
def fuzz():
    spec = importlib.util.spec_from_file_location("gateway_fuzz", Path(__file__).with_name("fuzz.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", [1, 2])
async def test_random_frames_are_counted_and_memory_stays(fuzz, platform, connect, wire, seed):
    log = logging.getLogger("nonebot_plugin_feishu_ws.gateway")
    log.setLevel(logging.CRITICAL)  # captured records would be the memory that grows
    tracemalloc.start()
    said = []
    try:
        await fuzz.run(6000, seed, platform, connect, wire.Frame, said.append)
    finally:
        tracemalloc.stop()
        log.setLevel(logging.NOTSET)
    assert "malformed_frames" in said[0]
