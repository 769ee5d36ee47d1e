"""The algorithms of the vectors: our presets with the bounds of a case."""

from dataclasses import replace

from evalkit.train.algorithms import ASPO_ARCHER2, DAPO, GRPO, Algorithm, Clip
from evalkit.train.vectors.reading import Case


def algorithm_of(case: Case) -> Algorithm:
    """Raises DataError for a name or a bound that the format does not have, or that is missing."""
    name = case.text("algorithm")
    match name:
        case "aspo":
            return _aspo(case)
        case "grpo" | "dapo":
            low, high, c = _bounds(case, "clip_ratio_low", "clip_ratio_high", "clip_ratio_c")
            preset = GRPO if name == "grpo" else DAPO
            return replace(preset, clip=Clip(low, high), dual_clip_negative=c)
        case "archer1":
            return _archer1(case)
    raise case.error(f"algorithm is {name!r}; known: archer1, aspo, dapo, grpo")


def _aspo(case: Case) -> Algorithm:
    low, high, low_of_high, high_of_high, negative, positive = _bounds(
        case,
        "negative_low_entropy_clip_ratio_low",
        "positive_low_entropy_clip_ratio_high",
        "negative_high_entropy_clip_ratio_low",
        "positive_high_entropy_clip_ratio_high",
        "negative_clip_ratio_c",
        "positive_clip_ratio_c",
    )
    return replace(
        ASPO_ARCHER2,
        clip=Clip(low, high),
        high_entropy_clip=Clip(low_of_high, high_of_high),
        dual_clip_negative=negative,
        dual_clip_positive=positive,
    )


def _archer1(case: Case) -> Algorithm:
    low, high, low_of_high, high_of_high, c = _bounds(
        case,
        "low_entropy_clip_ratio_low",
        "low_entropy_clip_ratio_high",
        "high_entropy_clip_ratio_low",
        "high_entropy_clip_ratio_high",
        "clip_ratio_c",
    )
    return replace(
        GRPO,
        clip=Clip(low, high),
        high_entropy_clip=Clip(low_of_high, high_of_high),
        dual_clip_negative=c,
    )


def _bounds(case: Case, *names: str) -> list[float]:
    strange = sorted(case.mapping("config").keys() - set(names))
    if strange:
        raise case.error(f"has an unknown bound {strange[0]!r}; known: {', '.join(names)}")
    return [case.number("config", name) for name in names]
