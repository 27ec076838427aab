"""Plots as SVG: on white, so that they can be read on a dark page, too."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot

_LOOK = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "axes.edgecolor": "#444444",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#dddddd",
    "font.size": 11,
    "svg.fonttype": "none",  # letters stay letters: smaller, and they can be searched
    "svg.hashsalt": "feishu-ws",  # the same figures are the same file
}
_COLOUR = "#1f5fbf"


def growth(
    path: Path, points: Sequence[tuple[float, Sequence[float]]], *, across: str, up: str, title: str
) -> None:
    """How figures depend on a size: a line through the medians, each point with the spread of its rounds.

    Args:
        path: of the SVG.
        points: sizes of 0 or more, and the figures of all rounds of each.
        across, up: what the axes are.
        title: what is to be seen.
    """
    with matplotlib.rc_context(_LOOK):
        figure, axes = pyplot.subplots(figsize=(7.2, 3.6))
        sizes = [size for size, _ in points]
        middles, below, above = spread([figures for _, figures in points])
        axes.errorbar(sizes, middles, yerr=(below, above), color=_COLOUR, marker="o", capsize=4)
        # So that 0 has its place on a scale of powers of ten.
        axes.set_xscale("symlog", linthresh=min((size for size in sizes if size), default=1))
        axes.set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
        axes.minorticks_off()
        axes.set_ylim(0, 1.2 * max(max(figures) for _, figures in points))
        _finish(figure, axes, path, across, up, title)


def histogram(path: Path, times: Sequence[float], *, width: float, across: str, up: str, title: str) -> None:
    """How many figures lie where, in bars of a width."""
    with matplotlib.rc_context(_LOOK):
        figure, axes = pyplot.subplots(figsize=(7.2, 2.8))
        bars = int(max(times, default=0) // width) + 1
        axes.hist(times, bins=[width * bar for bar in range(bars + 1)], color=_COLOUR, edgecolor="white")
        _finish(figure, axes, path, across, up, title)


def spread(rounds: Sequence[Sequence[float]]) -> tuple[list[float], list[float], list[float]]:
    """For each point its median, and how far its figures reach below and above that."""
    ordered = [sorted(figures) for figures in rounds]
    middles = [statistics.median(figures) for figures in ordered]
    below = [middle - figures[0] for middle, figures in zip(middles, ordered, strict=True)]
    above = [figures[-1] - middle for middle, figures in zip(middles, ordered, strict=True)]
    return middles, below, above


def _finish(figure: Any, axes: Any, path: Path, across: str, up: str, title: str) -> None:
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.set_title(title, loc="left", fontsize=12)
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None})
    pyplot.close(figure)
