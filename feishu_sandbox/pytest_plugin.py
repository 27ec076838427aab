"""Fixtures for tests. The sandbox is imported when a test asks for it, so others do not pay for it."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from . import Sandbox

try:
    from pytest_asyncio import fixture as async_fixture
except (
    ImportError
):  # a project without pytest-asyncio: its async plugin takes plain fixtures, or none are used
    async_fixture = pytest.fixture


@async_fixture
async def feishu_sandbox() -> "AsyncIterator[Sandbox]":
    """A running :class:`feishu_sandbox.Sandbox` with Feishu's own rules, fresh for each test."""
    from . import Sandbox

    async with Sandbox() as sandbox:
        yield sandbox
