"""Tests run on uvloop; tests/conftest.py loads this where TEST_LOOP=uvloop."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


def pytest_report_header() -> str:
    return f"event loop: uvloop {uvloop.__version__}"
