"""The colours of curves, on light and on dark ground; no two of a theme are the same."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as #rrggbb. `lines` are told apart also by most people who see fewer colours."""

    ground: str
    ink: str
    muted: str
    grid: str
    lines: tuple[str, ...]

    def roles(self) -> dict[str, str]:
        """Each colour by the name of what it is for."""
        roles = asdict(self)
        lines = roles.pop("lines")
        return {**roles, **{f"line-{number}": colour for number, colour in enumerate(lines)}}


# The lines: Okabe and Ito's palette without yellow and black; on dark ground lighter.
LIGHT = Theme(
    ground="#fffffe",
    ink="#1b1f24",
    muted="#5d6670",
    grid="#e3e6ea",
    lines=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b07d00", "#3a9bd1"),
)
DARK = Theme(
    ground="#14171a",
    ink="#eceff2",
    muted="#9aa4ae",
    grid="#2c3238",
    lines=("#4aa8e0", "#ff8747", "#2fc79a", "#e79fc6", "#e3b23c", "#8fd0f5"),
)

MATPLOTLIB_STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": LIGHT.muted,
    "axes.facecolor": LIGHT.ground,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": LIGHT.muted,
    "axes.labelsize": 8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "figure.facecolor": LIGHT.ground,
    "grid.color": LIGHT.grid,
    "legend.frameon": False,
    "legend.title_fontsize": 8,
    "svg.fonttype": "none",
    "svg.hashsalt": "evalkit",
    "text.color": LIGHT.ink,
    "text.parse_math": False,
    "xtick.color": LIGHT.muted,
    "xtick.labelsize": 8,
    "ytick.color": LIGHT.muted,
    "ytick.labelsize": 8,
}
