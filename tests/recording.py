"""What a page shows at some moments, made into a moving picture for the documentation."""

import io
from pathlib import Path

from PIL import Image
from playwright.async_api import Page

# A sheet that a script makes is what the page's own content security policy allows.
_MARK = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("button:hover, .person:hover { outline: 3px solid #f59f00; outline-offset: 3px; }");
  document.adoptedStyleSheets = [sheet];
}"""


class Recording:
    """Frames of pages of one size."""

    def __init__(self) -> None:
        self._frames: list[Image.Image] = []
        self._shown: list[int] = []

    async def frame(self, page: Page, seconds: float) -> None:
        """What the page shows now, for so long; the button that the mouse is on is marked."""
        await page.evaluate(_MARK)
        self._frames.append(Image.open(io.BytesIO(await page.screenshot())).convert("RGB"))
        self._shown.append(round(seconds * 1000))

    def save(self, path: Path) -> None:
        """All of it as an animated WebP that begins again and again."""
        first, *others = self._frames
        first.save(
            path, save_all=True, append_images=others, duration=self._shown, loop=0, quality=80, method=6
        )
