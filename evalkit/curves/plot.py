"""Draws curves with matplotlib: one panel, or all of them as small multiples."""

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from evalkit.curves.panels import Panel
from evalkit.curves.seeds import Curve, Group, curve_of
from evalkit.curves.theme import LIGHT, MATPLOTLIB_STYLE

_COLUMNS = 4
_WIDTH, _HEIGHT = 3.5, 2.6  # of a panel, in inches
_HEAD = 0.7  # of the legend
_DOTTED_UP_TO = 15  # points; more of them need no dots to show where they are
_DASHES = ("-", "--", ":")
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def draw_all(groups: Sequence[Group], panels: Sequence[Panel], *, smoothing: float = 0.0) -> Figure:
    """Small multiples in the order of `panels`, with one legend above them."""
    columns = min(_COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    with matplotlib.rc_context(MATPLOTLIB_STYLE):
        figure = Figure((_WIDTH * columns, _HEIGHT * rows + _HEAD), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).flatten()
        for one, panel in zip(axes, panels, strict=False):
            _draw(one, groups, panel, smoothing)
            _write_title(one, panel)
        for one in axes[len(panels) :]:
            one.remove()
        figure.legend(
            handles=[Line2D([], [], label=key_of(group), **look) for group, look in _looks(groups)],
            title=note_on(groups, smoothing=smoothing),
            loc="outside upper left",
            alignment="left",
            ncols=len(groups) if len(groups) <= columns else 1,
        )
    return figure


def draw_one(groups: Sequence[Group], panel: Panel, *, smoothing: float = 0.0) -> Figure:
    """A panel by itself, without title and legend."""
    with matplotlib.rc_context(MATPLOTLIB_STYLE):
        figure = Figure((_WIDTH, _HEIGHT), layout="constrained")
        _draw(figure.subplots(), groups, panel, smoothing)
    return figure


def curve_in(panel: Panel, group: Group, *, smoothing: float = 0.0) -> Curve | None:
    """None for a group that the panel does not show."""
    is_shown = panel.shows(group.runs[0])
    return curve_of(group, panel.metric, smoothing=smoothing) if is_shown else None


def save(figure: Figure, path: Path) -> None:
    """As the suffix says, .png or .svg. The same curves give the same bytes."""
    with matplotlib.rc_context(MATPLOTLIB_STYLE):
        if path.suffix == ".svg":
            figure.savefig(path, metadata=_NO_METADATA)
        else:
            figure.savefig(path, dpi=160, metadata={"Software": None})


def svg_of(figure: Figure) -> str:
    """The `<svg>` element, on transparent ground."""
    stream = io.StringIO()
    with matplotlib.rc_context(MATPLOTLIB_STYLE):
        figure.savefig(stream, format="svg", metadata=_NO_METADATA, transparent=True)
    text = stream.getvalue()
    return text[text.index("<svg") :]


def key_of(group: Group) -> str:
    """What a legend says of a group."""
    if len(group.runs) == 1:
        return f"{group.label}, seed {group.runs[0].seed}"
    return f"{group.label}, {len(group.runs)} seeds"


def note_on(groups: Sequence[Group], *, smoothing: float) -> str:
    """What the runs say of themselves, and what lines and bands are."""
    notes = dict.fromkeys(run.note for group in groups for run in group.runs if run.note)
    texts = list(notes)
    if any(len(group.runs) > 1 for group in groups):
        texts.append("Lines are means over seeds, bands their 95 % t-intervals.")
    if smoothing:
        texts.append(f"Smoothed, with weight {smoothing:g} on the past; faint: not smoothed.")
    return " ".join(texts)


def _looks(groups: Sequence[Group]) -> Iterator[tuple[Group, dict[str, Any]]]:
    """A colour for each group, and another kind of line when the colours are used up."""
    looks = [
        {"color": colour, "linestyle": dash, "linewidth": 1.6}
        for dash in _DASHES
        for colour in LIGHT.lines
    ]
    yield from zip(groups, cycle(looks), strict=False)


def _draw(axes: Axes, groups: Sequence[Group], panel: Panel, smoothing: float) -> None:
    extent: list[float] = []
    for group, look in _looks(groups):
        curve = curve_in(panel, group, smoothing=smoothing)
        if curve is None:
            continue
        extent += [curve.least.min(), curve.most.max()]
        if smoothing and (raw := curve_in(panel, group)):
            axes.plot(raw.steps, raw.mean, **{**look, "linewidth": 0.8}, alpha=0.3)
            extent += [raw.mean.min(), raw.mean.max()]
        _draw_curve(axes, curve, look)
    axes.set_ylim(*_with_margin(extent))
    axes.set_xlabel("step")
    axes.set_ylabel(panel.unit)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _draw_curve(axes: Axes, curve: Curve, look: Mapping[str, Any]) -> None:
    if curve.num_runs > 1:
        axes.fill_between(
            curve.steps, curve.low, curve.high, color=look["color"], alpha=0.18, linewidth=0
        )
    marker = "o" if len(curve.steps) <= _DOTTED_UP_TO else ""
    axes.plot(curve.steps, curve.mean, marker=marker, markersize=3.5, **look)


def _write_title(axes: Axes, panel: Panel) -> None:
    """What it is, and below that, smaller, the metric's name."""
    axes.set_title(panel.title, loc="left", fontweight="bold", pad=16)
    axes.annotate(
        panel.metric,
        (0, 1),
        (0, 4),
        xycoords="axes fraction",
        textcoords="offset points",
        color=LIGHT.muted,
        fontsize=7.5,
    )


def _with_margin(extent: Sequence[float]) -> tuple[float, float]:
    """Room for every seed's values; the interval of few seeds may be far wider and is cut off."""
    low, high = min(extent), max(extent)
    margin = 0.06 * (high - low) or 0.1 * abs(high) or 0.1
    return low - margin, high + margin
