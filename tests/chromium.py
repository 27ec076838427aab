"""A real Chromium for browser tests. Load with `pytest_plugins = ["chromium"]`.

Where Chromium is not installed the tests that need it are skipped, except with `CI` in the environment: there they
fail.
"""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright, expect

_QUIET = (  # nothing but the page under test: no updates, no component downloads, no look-ups of its own
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One headless browser for the session; make a context of your own in it."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        missing = "Chromium is not installed (Debian: apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    expect.set_options(timeout=20_000)  # a busy machine is slow, not wrong
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, headless=True, args=list(_QUIET))
        yield browser
        await browser.close()
