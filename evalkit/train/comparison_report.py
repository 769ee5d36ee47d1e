"""What came out of a comparison: a leaderboard, the curves, the claims; whatever it is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from evalkit.api import load_run
from evalkit.curves.html import page
from evalkit.curves.intervals import t_half_width
from evalkit.curves.panels import choose_panels
from evalkit.curves.plot import draw_all, save
from evalkit.curves.read import TrainingRun, read_run
from evalkit.curves.seeds import group_runs
from evalkit.train.claims import ClaimsTable, compare_claims
from evalkit.train.claims_measures import TrainedPolicy
from evalkit.train.claims_text import document, markdown
from evalkit.train.comparison import Comparison
from evalkit.train.spec import step_name


@dataclass(frozen=True, slots=True)
class Place:
    """An algorithm in the leaderboard: the mean of its final avg@k over the seeds.

    `half_width` is that of the 95 % t-interval; None for one seed.
    """

    algorithm: str
    mean: float
    half_width: float | None
    by_seed: Mapping[int, float]
    start: float
    seconds_per_run: float


def write_report(comparison: Comparison, directories: Sequence[Path]) -> Path:
    """report.md, comparison.json and curves.{png,svg,html} in the directory of the comparison."""
    out = comparison.base.out
    policies = [_trained(path, comparison.base.steps) for path in directories]
    runs = [one.run for one in policies]
    places = sorted(
        (
            _place(name, [one for one in policies if one.run.algorithm == name])
            for name in comparison.algorithms
        ),
        key=lambda place: -place.mean,
    )
    claims = compare_claims(policies, method=comparison.method, baselines=comparison.baselines)
    _draw(runs, out)
    content = {"leaderboard": [asdict(one) for one in places], "claims": document(claims)}
    (out / "comparison.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (out / "report.md").write_text(_text(comparison, places, claims), encoding="utf-8")
    return out / "report.md"


def _trained(path: Path, last_step: int) -> TrainedPolicy:
    frame = load_run(path / "validation" / step_name(last_step)).to_pandas()
    frame["problem"] = frame["task"] + "/" + frame["problem_id"]
    scores = frame.groupby("problem")["score"].mean()
    return TrainedPolicy(
        read_run(path), {str(name): float(value) for name, value in scores.items()}
    )


def _place(name: str, policies: Sequence[TrainedPolicy]) -> Place:
    by_seed = {one.run.seed: fmean(one.scores.values()) for one in policies}
    values = list(by_seed.values())
    return Place(
        algorithm=name,
        mean=fmean(values),
        half_width=float(t_half_width(np.array(values))) if len(values) > 1 else None,
        by_seed=by_seed,
        start=fmean(_start(one.run) for one in policies),
        seconds_per_run=fmean(_seconds(one.run) for one in policies),
    )


def _start(run: TrainingRun) -> float:
    """The validation of the model that training started from."""
    return fmean(run.metrics[name].values[0] for name in run.metrics if "/avg@" in name)


def _seconds(run: TrainingRun) -> float:
    return float(run.metrics["timing_s/step"].values.sum())


def _draw(runs: Sequence[TrainingRun], out: Path) -> None:
    groups, panels = group_runs(runs), choose_panels(runs)
    figure = draw_all(groups, panels)
    for suffix in ("png", "svg"):
        save(figure, out / f"curves.{suffix}")
    (out / "curves.html").write_text(page(groups, panels), encoding="utf-8")


def _text(comparison: Comparison, places: Sequence[Place], claims: ClaimsTable) -> str:
    spec = comparison.base
    lines = [
        f"# {', '.join(comparison.algorithms)}: {comparison.num_seeds} seeds of {spec.steps} steps",
        "",
        *([spec.note, ""] if spec.note else []),
        f"Started from {spec.model}; trained on {', '.join(spec.tasks)}, scored on "
        f"{', '.join(spec.validate)}. All runs share these settings but for algorithm and seed: "
        f"{spec.prompts_per_step} prompts x {spec.group_size} samples a step, "
        f"{spec.num_mini_batches} mini-batches x {spec.ppo_epochs} epochs, lr {spec.lr:g}, "
        f"algorithm_args {json.dumps(dict(spec.algorithm_args))}.",
        "",
        "| Algorithm | Final score | 95 % | Start | By seed | Seconds per run |",
        "|---|--:|--:|--:|---|--:|",
        *(_row(one) for one in places),
        "",
        "Final score: mean over problems and samples, in percent, of the final checkpoints, mean over "
        "seeds; 95 %: t-interval over seeds. Seconds: training steps alone, on this machine.",
        "",
        "![Training curves](curves.png)",
        "",
        markdown(claims),
    ]
    return "\n".join(lines)


def _row(place: Place) -> str:
    interval = "" if place.half_width is None else f"± {100 * place.half_width:.1f}"
    by_seed = " ".join(f"{100 * value:.1f}" for value in place.by_seed.values())
    return (
        f"| {place.algorithm} | {100 * place.mean:.1f} | {interval} | {100 * place.start:.1f} | "
        f"{by_seed} | {place.seconds_per_run:.0f} |"
    )
