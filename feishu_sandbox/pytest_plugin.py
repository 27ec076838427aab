"""Fixtures for tests. The sandbox is imported when a test asks for it, so others do not pay for it."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from . import Rules, Sandbox

try:
    from pytest_asyncio import fixture as async_fixture
except (
    ImportError
):  # a project without pytest-asyncio: its async plugin takes plain fixtures, or none are used
    async_fixture = pytest.fixture


@pytest.fixture
def feishu_sandbox_rules() -> "Rules":
    """The platform's durations and limits: Feishu's own. Override it to shorten them."""
    from . import Rules

    return Rules()


@async_fixture
async def feishu_sandbox(feishu_sandbox_rules: "Rules") -> "AsyncIterator[Sandbox]":
    """A running :class:`feishu_sandbox.Sandbox`, fresh for each test."""
    from . import Sandbox

    async with Sandbox(rules=feishu_sandbox_rules) as sandbox:
        yield sandbox
