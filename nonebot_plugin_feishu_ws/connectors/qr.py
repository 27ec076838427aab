"""QR codes, where `segno` is installed (the `qr` extra); without it people get the link alone."""

from importlib import import_module
from io import BytesIO
from types import ModuleType

_BORDER = 2
"""Light modules around a code in a terminal; the standard's four cost lines and are not needed."""


def qr_png(text: str, scale: int = 6) -> bytes | None:
    """A PNG, `scale` pixels per module; None without `segno`."""
    if (segno := _segno()) is None:
        return None
    image = BytesIO()
    segno.make_qr(text, error="l").save(image, kind="png", scale=scale)
    return image.getvalue()


def qr_rows(text: str) -> tuple[str, ...] | None:
    """Lines for a terminal, to be shown white on black, two modules above each other in a character; None
    without `segno`.
    """
    if (segno := _segno()) is None:
        return None
    dark = [list(row) for row in segno.make_qr(text, error="l").matrix_iter(border=_BORDER)]
    if len(dark) % 2:
        dark.append([0] * len(dark[0]))
    blocks = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}
    return tuple(
        "".join(blocks[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(dark[::2], dark[1::2], strict=True)
    )


def _segno() -> ModuleType | None:
    try:
        return import_module("segno")
    except ImportError:
        return None
