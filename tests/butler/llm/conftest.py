"""A model's server for each test."""

from collections.abc import AsyncIterator

import pytest
from model_server import ModelServer, serving


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with serving() as server:
        yield server
