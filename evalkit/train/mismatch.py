"""Whether the engine still samples from the policy that is trained."""

from collections.abc import Mapping

from evalkit.types import RunError

_GROWTH = 10.0
# In nats; rounding in float32 gives 1e-6 to 1e-5, in bfloat16 about 1e-2.
_LEAST, _MOST = 1e-3, 0.1


def check_mismatch(
    metrics: Mapping[str, float], first: float | None, limit: float | None, step: int
) -> float:
    """The mismatch of the first step, with which the later ones are compared; in nats.

    Raises RunError where the mean difference of the log-probabilities exceeds `limit`, which by
    default is ten times that of the first step, but from 0.001 to 0.1: then weights did not reach the
    engine, and the samples come from another policy than the gradient assumes.
    """
    found = metrics["mismatch/log_prob_diff_mean"]
    first = found if first is None else first
    limit = min(max(_GROWTH * first, _LEAST), _MOST) if limit is None else limit
    if not found <= limit:
        raise RunError(
            f"step {step}: the engine's log-probabilities differ from the trainer's by {found:.2g} "
            f"nats on average ({first:.2g} at the first step, {limit:.2g} allowed by max_mismatch): "
            f"it does not sample from the weights that are trained"
        )
    return first
