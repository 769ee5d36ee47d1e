"""Finds the grades of a run that are worth reading: where graders disagree or an answer was missed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evalkit.audit.findings import Finding, disagreements, found_in_texts
from evalkit.audit.groups import read_groups
from evalkit.audit.opinions import Judges
from evalkit.progress import Progress, Silent
from evalkit.records import read_manifest, read_problems
from evalkit.report.files import open_records
from evalkit.spec import MATH_GRADERS
from evalkit.types import Answer, UsageError, unknown


@dataclass(frozen=True, slots=True)
class TaskAudit:
    """The findings of a task, those with most points first."""

    task: str
    num_samples: int
    num_answers: int
    findings: tuple[Finding, ...]


def audit(
    path: Path,
    *,
    task: str | None = None,
    num_workers: int | None = None,
    progress: Progress | None = None,
) -> list[TaskAudit]:
    """Audits the tasks of a run that are graded as mathematics, or one of them; writes nothing.

    Samples without a grade and grader errors are left out. Raises RunError where `path` is not a
    run, and UsageError for a task that it does not have, or that is not mathematics.
    """
    progress = progress or Silent()
    manifest = read_manifest(path)
    graders = {name: entry["grader"] for name, entry in manifest["tasks"].items()}
    chosen = _chosen(graders, task)
    with open_records(path) as files, Judges(num_workers) as judges:
        return [
            _audit_task(
                name, path, files.get(name), manifest["unclosed_thinking"], judges, progress
            )
            for name in chosen
        ]


def _chosen(graders: Mapping[str, str], task: str | None) -> list[str]:
    fitting = [name for name, grader in graders.items() if grader in MATH_GRADERS]
    if task is None and fitting:
        return fitting
    if task is not None and task not in graders:
        raise unknown("task", task, list(graders))
    if task not in fitting:
        raise UsageError("only mathematics can be audited; the answers of programs are their tests")
    return [task]


def _audit_task(
    task: str,
    path: Path,
    records: Path | None,
    unclosed_thinking: str,
    judges: Judges,
    progress: Progress,
) -> TaskAudit:
    if records is None:
        return TaskAudit(task, 0, 0, ())
    problems = read_problems(path, task)
    golds = {key: one.target for key, one in problems.items() if isinstance(one.target, Answer)}
    groups = read_groups(records, golds, unclosed_thinking=unclosed_thinking)
    answered = [group for group in groups if group.answer is not None]
    progress.stage(f"comparing {len(answered)} answers of {task}")
    opinions = [judges.submit(group.gold, group.answer or "") for group in answered]
    findings = [
        *disagreements(zip(answered, (one.result() for one in opinions), strict=True)),
        *found_in_texts(groups),
    ]
    findings.sort(key=lambda one: (-one.points, one.kind, one.problem_id, one.answer or ""))
    num_samples = sum(len(group.indices) for group in groups)
    return TaskAudit(task, num_samples, len(answered), tuple(findings))
