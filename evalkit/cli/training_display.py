"""Training in the terminal: a line per step."""

import time
from collections.abc import Mapping

from rich.console import Console

_SHOWN = {
    "critic/score/mean": ("score", ".3f"),
    "actor/entropy": ("entropy", ".3f"),
    "response_length/mean": ("length", ".0f"),
    "response_length/clip_ratio": ("truncated", ".1%"),
    "actor/grad_norm": ("grad", ".2f"),
    "timing_s/step": ("", ".1f"),
}


class StepLines:
    """Implements `evalkit.train.session.Watcher` on standard error; `label` begins every line."""

    def __init__(self, label: str = "") -> None:
        self._label = f"{label}: " if label else ""
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._first: tuple[int, float] | None = None

    def stage(self, text: str) -> None:
        self._console.print(f"{self._label}{text} …", style="dim", markup=False)

    def step(self, number: int, total: int, metrics: Mapping[str, float]) -> None:
        parts = [f"{self._label}step {number}/{total}"]
        for name, (label, form) in _SHOWN.items():
            if name in metrics:
                unit = "" if label else " s"
                parts.append(f"{label} {metrics[name]:{form}}{unit}".strip())
        parts += [f"{name} {100 * metrics[name]:.1f}" for name in metrics if "/avg@" in name]
        parts.append(self._remaining(number, total))
        self._console.print(" · ".join(part for part in parts if part), markup=False)

    def _remaining(self, number: int, total: int) -> str:
        """From the pace since the first step of this command."""
        now = time.monotonic()
        if self._first is None:
            self._first = number, now
            return ""
        steps, seconds = number - self._first[0], now - self._first[1]
        left = (total - number) * seconds / max(steps, 1)
        return f"{int(left // 60)}:{int(left % 60):02d} left" if number < total else ""
