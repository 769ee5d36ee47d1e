"""The content of metrics.json; `metrics.schema.json` beside this file documents it."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evalkit import __version__
from evalkit.report.published import find_published
from evalkit.report.summary import Metric, TaskSummary, WithoutErrata, summarise

_ESTIMATORS = {
    "avg": "mean over problems of the mean over their samples",
    "pass": "mean over problems of the unbiased pass@k, 1 - C(n-c, k) / C(n, k)",
    "maj": "mean over problems of the expected credit of the majority of k samples; ties share it",
}


def metrics_document(manifest: Mapping[str, Any], records: Mapping[str, Path]) -> dict[str, Any]:
    """`records` holds the Parquet file of each task that has samples."""
    tasks = {}
    for name, entry in manifest["tasks"].items():
        tasks[name] = _task(manifest, entry, summarise(name, entry, records.get(name)))
    return {
        "schema_version": 1,
        "evalkit_version": __version__,
        "model": manifest["model"],
        "protocol": "; ".join(dict.fromkeys(_each(manifest, "protocol_label"))),
        "notes": list(dict.fromkeys(n for notes in _each(manifest, "notes") for n in notes)),
        "grading": {"unclosed_thinking": manifest["unclosed_thinking"]},
        "tasks": tasks,
        "invocations": manifest["invocations"],
    }


def _each(manifest: Mapping[str, Any], name: str) -> list[Any]:
    """What holds for each task; imported runs say it once for all of them."""
    return [entry.get(name, manifest[name]) for entry in manifest["tasks"].values()]


def _task(
    manifest: Mapping[str, Any], entry: Mapping[str, Any], summary: TaskSummary
) -> dict[str, Any]:
    published = find_published(manifest, summary)
    return {
        "title": summary.title,
        "protocol": entry.get("protocol_label", manifest["protocol_label"]),
        "grader": entry["grader"],
        "data_sha256": entry["identity"]["data_sha256"],
        "num_problems": summary.num_problems,
        "num_problems_total": summary.num_problems_total,
        "n": summary.n,
        "num_samples": summary.num_samples,
        "num_expected": summary.num_expected,
        "num_ungraded": summary.num_ungraded,
        "num_grader_errors": summary.num_grader_errors,
        "is_complete": summary.is_complete,
        "is_partial": summary.is_partial,
        "metrics": [_metric(one) for one in summary.metrics],
        "without_errata": _without_errata(summary.without_errata),
        "shares": {"truncated": summary.truncated, "no_answer": summary.no_answer},
        "score_given_finished": summary.score_given_finished,
        "tokens": asdict(summary.tokens) if summary.tokens else None,
        "published": asdict(published) if published else None,
    }


def _without_errata(summary: WithoutErrata | None) -> dict[str, Any] | None:
    if summary is None:
        return None
    return {
        "problem_ids": list(summary.problem_ids),
        "metrics": [_metric(one) for one in summary.metrics],
    }


def _metric(metric: Metric) -> dict[str, Any]:
    return {
        "name": f"{metric.name}@{metric.k}",
        "kind": metric.name,
        "k": metric.k,
        "estimator": _ESTIMATORS[metric.name],
        "value": metric.value,
        "low": metric.low,
        "high": metric.high,
        "level": None if metric.value is None else 0.95,
        "interval": metric.method,
    }
