"""What each metric is called and measured in, and which are drawn unless others are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from evalkit.curves.read import TOTAL_CLIP_SHARE, TrainingRun
from evalkit.types import UsageError, unknown

_TOKENS = "share of tokens"


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture. Only runs that also log `beside` are in it, where a name has two meanings."""

    metric: str
    title: str
    unit: str
    beside: str | None = None

    def shows(self, run: TrainingRun) -> bool:
        return self.metric in run.metrics and self.beside in (None, *run.metrics)


_DEFAULT = (
    Panel("critic/score/mean", "Reward", "mean score"),
    Panel("val/*/avg@*", "Validation", "mean score"),
    Panel("actor/entropy", "Entropy", "nats per token"),
    Panel("actor/kl_loss", "KL to the reference (k3)", "nats per token"),
    Panel("actor/ppo_kl", "KL from old to new policy", "nats per token"),
    Panel(TOTAL_CLIP_SHARE, "Clipped, both sides", _TOKENS),
    Panel("actor/pg_clipfrac_upper", "Clipped above, A ≥ 0", _TOKENS),
    Panel(
        "actor/pg_clipfrac_lower", "Clipped below, A < 0", _TOKENS, beside="actor/pg_clipfrac_upper"
    ),
    Panel("actor/pg_clipfrac_lower", "Dual clip, A < 0", _TOKENS, beside="actor/pg_clipfrac"),
    Panel("actor/negative_pg_clipfrac_dual", "Soft dual clip, A < 0", "share of such tokens"),
    Panel("actor/positive_pg_clipfrac_dual", "Soft dual clip, A > 0", "share of such tokens"),
    Panel("ratio/positive_mean", "Mean ratio, A > 0", "new / old probability"),
    Panel("ratio/negative_mean", "Mean ratio, A < 0", "new / old probability"),
    Panel("token/repetition_ratio", "Repetition", "share of 20-grams"),
    Panel("response_length/mean", "Response length", "tokens"),
    Panel("response_length/clip_ratio", "Truncated", "share of responses"),
    Panel("actor/grad_norm", "Gradient norm", "L2, before clipping"),
    Panel("batch/solve_all", "Solved by all samples", "groups"),
    Panel("batch/solve_none", "Solved by no sample", "groups"),
    Panel("mismatch/log_prob_diff_mean", "Mismatch with the sampler", "nats per token"),
    Panel("timing_s/step", "Time per step", "seconds"),
)
_MORE = (
    Panel("actor/pg_clipfrac", "Clipped, both sides", _TOKENS),
    Panel("actor/lr", "Learning rate", "per step"),
    Panel("val/*/pass@*", "Validation", "mean pass@k"),
    Panel("response_length/*", "Response length", "tokens"),
    Panel("prompt_length/*", "Prompt length", "tokens"),
    Panel("timing_s/*", "Time", "seconds"),
    Panel("perf/throughput", "Throughput", "tokens per second"),
)


def choose_panels(runs: Sequence[TrainingRun], wanted: Sequence[str] = ()) -> list[Panel]:
    """The panels of the metrics in `wanted`, names or patterns such as `val/*`; else the usual ones.

    Panels that would be empty are left out. Raises UsageError, with the metrics there are, for a
    name that no run logs.
    """
    logged = list(dict.fromkeys(name for run in runs for name in run.metrics))
    for name in wanted:
        if not any(fnmatchcase(one, name) for one in logged):
            raise unknown("metric", name, logged)
    panels = [
        panel
        for pattern in wanted or dict.fromkeys(one.metric for one in _DEFAULT)
        for name in sorted(one for one in logged if fnmatchcase(one, pattern))
        for panel in _panels_of(name)
    ]
    found = [one for one in dict.fromkeys(panels) if any(one.shows(run) for run in runs)]
    if not found:
        raise UsageError(f"none of the usual metrics was logged; name others: {', '.join(logged)}")
    return found


def _panels_of(name: str) -> list[Panel]:
    """One, or one for each meaning of the name."""
    exact = [one for one in (*_DEFAULT, *_MORE) if one.metric == name]
    alike = (one for one in (*_DEFAULT, *_MORE) if fnmatchcase(name, one.metric))
    other = Panel(name, name.rpartition("/")[2], "value")
    return exact or [replace(next(alike, other), metric=name)]
