"""A run from spec to report: generate what is missing, grade it while more comes, write it down."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit import environment
from evalkit.engine import Engine
from evalkit.graders.opening import check_available
from evalkit.grading import RunGrading
from evalkit.launch import Model, check_lengths, load_engine, make_prompts, open_model, start_engine
from evalkit.manifest import check_manifest, extend_manifest, new_manifest
from evalkit.plan import (
    Plan,
    TaskPlan,
    directory_name,
    limited,
    make_plan,
    run_identity,
    sample_seed,
)
from evalkit.progress import Progress, Silent
from evalkit.records import RunWriter, read_manifest, read_problems, read_samples
from evalkit.spec import CODE_GRADERS, RunSpec, check_grader
from evalkit.task import Task
from evalkit.types import Problem, Prompt, Request, SampleKey

_SYNC_INTERVAL_S = 2.0

Problems = dict[str, list[Problem]]
Prompts = dict[tuple[str, str], Prompt]


def run(
    spec: RunSpec,
    *,
    progress: Progress | None = None,
    grade: bool = True,
    engine: Engine | None = None,
) -> Path:
    """Runs, or resumes, what `spec` asks for and returns the run directory.

    Samples that are already there are kept, whatever stopped the run before. With `grade=False`
    nothing is graded (`evalkit generate`). An `engine` that has the weights of `spec.model` already
    is used as it is and left running.
    """
    progress = progress or Silent()
    plan = make_plan(spec)
    progress.stage("reading the checkpoint")
    model = open_model(spec)
    identity = run_identity(spec, model.identity)
    path = spec.out or Path("results") / directory_name(spec, identity)
    with RunWriter(path) as writer:
        manifest = read_manifest(path) if writer.has_manifest else new_manifest(plan, identity)
        check_manifest(manifest, plan, identity)
        _Session(plan, model, writer, manifest, progress, engine).execute(grade=grade)
        _report(writer, progress)
    return path


def grade_run(
    path: Path,
    *,
    grader: str | None = None,
    unclosed_thinking: str | None = None,
    only_errors: bool = False,
    again: bool = False,
    num_workers: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Grades a run directory without generating; None keeps what the run used before.

    Samples without a grade and grader errors are graded; with `only_errors` the latter alone, with
    `again` everything. Raises UsageError for a grader that cannot grade one of the tasks.
    """
    progress = progress or Silent()
    read_manifest(path)
    with RunWriter(path) as writer:
        manifest = read_manifest(path)
        manifest["unclosed_thinking"] = unclosed_thinking or manifest["unclosed_thinking"]
        for name, entry in manifest["tasks"].items():
            is_code = entry["grader"] in CODE_GRADERS
            entry["grader"] = grader or entry["grader"]
            check_grader(entry["grader"], name, is_code=is_code)
        with RunGrading(manifest, writer, progress, num_workers) as graders:
            if described := graders.describe():
                manifest["graders"] = {**manifest.get("graders", {}), **described}
            chosen = list(graders.ungraded(only_errors=only_errors, again=again))
            num_samples = sum(len(keys) for _, keys in chosen)
            progress.start(num_samples=num_samples, num_generated=num_samples, num_graded=0)
            for task, keys in chosen:
                graders.grade_recorded(task, keys)
        writer.write_json("manifest.json", manifest)
        _report(writer, progress)
    return path


def _report(writer: RunWriter, progress: Progress) -> None:
    """Imported here, because DuckDB and SciPy would delay the start of the engine."""
    from evalkit.report.files import write_report

    progress.stage("writing the report")
    write_report(writer)


@dataclass(frozen=True, slots=True)
class TaskPreview:
    """What a task of a run would be: its first prompt, and how much there is to generate."""

    plan: TaskPlan
    num_problems: int
    prompt: Prompt
    longest_prompt: int


def preview(spec: RunSpec) -> tuple[Plan, list[TaskPreview]]:
    """Does all the checks of a run, data and lengths included, and generates nothing."""
    plan = make_plan(spec)
    model = open_model(spec)
    problems = _load_problems(plan)
    pairs = [(task, problem) for task, members in problems.items() for problem in members]
    prompts = make_prompts(spec, model, pairs)
    check_lengths(spec, model, plan.tasks, prompts)
    return plan, [_preview(one, problems[one.task.name], prompts) for one in plan.tasks]


def _load_problems(plan: Plan) -> Problems:
    return {
        one.task.name: limited(one.task.problems(plan.spec.data_dir), one.limit)
        for one in plan.tasks
    }


def _preview(plan: TaskPlan, problems: list[Problem], prompts: Prompts) -> TaskPreview:
    mine = [prompts[plan.task.name, problem.id] for problem in problems]
    longest = max(len(prompt.token_ids) for prompt in mine)
    return TaskPreview(plan, len(problems), mine[0], longest)


@dataclass(slots=True)
class _Session:
    """One command at work on a run directory."""

    _plan: Plan
    _model: Model
    _writer: RunWriter
    _manifest: dict[str, Any]
    _progress: Progress
    _loaded: Engine | None = None
    _seconds: dict[str, float] = field(default_factory=dict)
    _num_tokens: int = 0

    def execute(self, *, grade: bool) -> None:
        """Starts the engine before anything slow, because its start-up is the longest wait."""
        started = time.monotonic()
        recorded = self._recorded_keys()
        with ExitStack() as stack:
            engine = self._loaded or (None if recorded else self._start_engine(stack))
            if grade:
                check_available(one.task.grader for one in self._plan.tasks)
            self._progress.stage("reading the benchmarks")
            problems = _load_problems(self._plan)
            missing = list(self._missing(problems, recorded))
            prompts = self._prompts(problems) if missing else {}
            if missing and engine is None:
                engine = self._start_engine(stack)
            needed = (
                check_lengths(self._plan.spec, self._model, self._plan.tasks, prompts)
                if missing
                else 0
            )
            self._write_plan(problems, prompts)
            if missing and engine and not self._loaded:
                self._progress.stage("loading the model")
                load_engine(engine, self._plan.spec, self._model, needed)
            self._seconds["setup"] = time.monotonic() - started
            self._work(engine, self._requests(missing, prompts), recorded, grade=grade)
        if missing:
            self._write_invocation()

    def _start_engine(self, stack: ExitStack) -> Engine:
        log = self._writer.path / "engine.log"
        return stack.enter_context(start_engine(self._plan.spec, log))

    def _recorded_keys(self) -> set[SampleKey]:
        """Of all tasks of the run, not of this command alone."""
        tasks = {*self._manifest["tasks"], *(one.task.name for one in self._plan.tasks)}
        return {s.key for task in tasks for s in read_samples(self._writer.path, task)}

    def _missing(
        self, problems: Problems, recorded: set[SampleKey]
    ) -> Iterator[tuple[Task, Problem, int]]:
        """Problem by problem, so that neighbours in the queue share their prompt."""
        for one in self._plan.tasks:
            for problem in problems[one.task.name]:
                for index in range(one.task.n):
                    if (one.task.name, problem.id, index) not in recorded:
                        yield one.task, problem, index

    def _prompts(self, problems: Problems) -> Prompts:
        self._progress.stage("rendering the prompts")
        pairs = [(task, problem) for task, members in problems.items() for problem in members]
        return make_prompts(self._plan.spec, self._model, pairs)

    def _requests(
        self, missing: list[tuple[Task, Problem, int]], prompts: Prompts
    ) -> list[Request]:
        seed = self._plan.spec.seed
        return [
            Request(
                task=task.name,
                problem=problem,
                index=index,
                seed=sample_seed(seed, task.name, problem.id, index),
                prompt=prompts[task.name, problem.id],
                sampling=task.sampling,
            )
            for task, problem, index in missing
        ]

    def _write_plan(self, problems: Problems, prompts: Prompts) -> None:
        extend_manifest(self._manifest, self._plan, problems, prompts)
        for task, members in problems.items():
            known = read_problems(self._writer.path, task)
            if len(known) < len(members):
                self._writer.write_problems(task, members)
        self._writer.write_json("manifest.json", self._manifest)

    def _work(
        self,
        engine: Engine | None,
        requests: list[Request],
        recorded: set[SampleKey],
        *,
        grade: bool,
    ) -> None:
        workers = self._plan.spec.grader_workers
        with ExitStack() as stack:
            graders = None
            if grade:
                graders = RunGrading(self._manifest, self._writer, self._progress, workers)
                stack.enter_context(graders)
                self._describe(graders)
            ungraded = list(graders.ungraded()) if graders else []
            num_ungraded = sum(len(keys) for _, keys in ungraded)
            self._progress.start(
                num_samples=len(recorded) + len(requests),
                num_generated=len(recorded),
                num_graded=len(recorded) - num_ungraded,
            )
            if graders:
                for task, keys in ungraded:
                    graders.grade_recorded(task, keys)
            self._generate(engine, requests, graders)
            waiting_since = time.monotonic()
        self._seconds["grading after generation"] = time.monotonic() - waiting_since

    def _describe(self, graders: RunGrading) -> None:
        if described := graders.describe():
            self._manifest["graders"] = {**self._manifest.get("graders", {}), **described}
            self._writer.write_json("manifest.json", self._manifest)

    def _generate(
        self, engine: Engine | None, requests: list[Request], graders: RunGrading | None
    ) -> None:
        started = last_sync = time.monotonic()
        problems = {(r.task, r.problem.id): r.problem for r in requests}
        for sample in engine.generate(requests) if engine and requests else ():
            self._writer.add_sample(sample)
            self._num_tokens += sample.num_tokens or 0
            self._progress.generated(sample)
            if graders:
                graders.submit(problems[sample.task, sample.problem_id], sample)
            if time.monotonic() - last_sync > _SYNC_INTERVAL_S:
                self._writer.sync()
                last_sync = time.monotonic()
        self._writer.sync()
        self._seconds["generation"] = time.monotonic() - started

    def _write_invocation(self) -> None:
        self._manifest["invocations"].append(
            {
                "command": environment.command_line(),
                "ended": environment.now(),
                "num_tokens": self._num_tokens,
                "seconds": {name: round(value, 3) for name, value in self._seconds.items()},
            }
        )
        self._writer.write_json("manifest.json", self._manifest)
