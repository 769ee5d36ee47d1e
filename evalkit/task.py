"""Tasks (benchmarks), suites and protocols: what the YAML files below `tasks/` say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evalkit.code_data.assert_sets import AssertSource
from evalkit.code_data.lcb import LcbSource
from evalkit.code_data.prompts import check_placeholders, filled
from evalkit.code_data.rows import CodeRow
from evalkit.code_data.windows import ANY_WINDOW, is_window, named_window
from evalkit.configs import build, checked_fields, load_yaml
from evalkit.data import DataSource, Row, fetch_rows, load_rows
from evalkit.resources import resource_dir
from evalkit.tolerance import Tolerance
from evalkit.types import CodeTests, Problem, SamplingParams, UsageError, unknown

EXTRACTIONS = ("archer", "last-block")
"""How a program is found in a completion: see `evalkit.graders.program`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A benchmark: data, prompt, grader and defaults.

    `prompt` holds the literal `{problem}` exactly once. `n` is the number of samples per problem.
    `tolerance` is for decimal answers. The rest is for programs: `starter_prompt` is the prompt of
    problems that have code to begin with and also holds `{starter}` once; `time_limit_s` is CPU
    time for one test. `notes` are printed with every number.
    """

    name: str
    title: str
    description: str
    data: DataSource | LcbSource | AssertSource
    prompt: str
    grader: str
    n: int
    sampling: SamplingParams
    system_prompt: str | None = None
    tolerance: Tolerance = field(default_factory=Tolerance)
    starter_prompt: str | None = None
    extraction: str = "last-block"
    time_limit_s: float = 6.0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w-][\w.-]*", self.name):
            raise UsageError(f"task {self.name!r}: a name holds letters, digits, '-', '_' and '.'")
        check_placeholders(self.prompt, ("problem",), f"task {self.name}: the prompt")
        if self.n < 1:
            raise UsageError(f"task {self.name}: n={self.n}, but at least one sample is needed")
        if self.extraction not in EXTRACTIONS:
            raise unknown("extraction", self.extraction, list(EXTRACTIONS))
        if self.time_limit_s <= 0:
            raise UsageError(f"task {self.name}: time_limit_s={self.time_limit_s} is no time")
        columns = self.data.keep if isinstance(self.data, DataSource) else None
        self.tolerance.check(columns, f"task {self.name}")
        if self.is_code and self.starter_prompt is None:
            raise UsageError(f"task {self.name}: missing key starter_prompt")
        if self.starter_prompt is not None:
            where = f"task {self.name}: the starter_prompt"
            check_placeholders(self.starter_prompt, ("problem", "starter"), where)

    @property
    def is_code(self) -> bool:
        return not isinstance(self.data, DataSource)

    @property
    def tests_sha256(self) -> str | None:
        """Of tests that are not those which the task's own data hold."""
        return self.data.tests_sha256 if isinstance(self.data, LcbSource) else None

    def problems(self, data_dir: Path | None = None) -> list[Problem]:
        """All problems in the order of the data; raises DataError where the data is not as pinned."""
        if isinstance(self.data, DataSource):
            return [self._problem(row) for row in load_rows(self.name, self.data, data_dir)]
        loaded = self.data.load(self.name, data_dir)
        return [self._code_problem(row) for row in loaded.rows]

    def left_out(self, data_dir: Path | None = None) -> Mapping[str, str]:
        """The ids of problems that are in the data but not in the task, each with its reason."""
        if isinstance(self.data, DataSource):
            return {}
        return self.data.load(self.name, data_dir).left_out

    def fetch(self, folder: Path) -> list[Path]:
        """Writes the hub's data, checked, into a folder for `data_dir`."""
        if isinstance(self.data, LcbSource):
            return self.data.fetch(folder)
        rows = self.data.rows if isinstance(self.data, AssertSource) else self.data
        return [fetch_rows(self.name, rows, folder)]

    def bound(
        self, problems: Path | None, data_dir: Path | None = None, *, skip_untested: bool = False
    ) -> "Task":
        """This task with LiveCodeBench's data replaced by `problems`, a JSONL in its schema.

        What that file holds, or a window that nothing pins, becomes the pin. All others are
        returned as they are.
        """
        if not isinstance(self.data, LcbSource):
            return self
        source = self.data.changed(problems, skip_untested=skip_untested)
        if source == self.data and source.sha256 is not None:
            return self
        source, loaded = source.bound(self.name, data_dir)
        return replace(self, data=source, notes=(*self.notes, *loaded.notes))

    def _problem(self, row: Row) -> Problem:
        messages = self._messages(self.prompt, {"problem": row.question})
        where = f"{self.name}, problem {row.id}"
        target = self.tolerance.target(row.answer, row.metadata, where)
        return Problem(row.id, messages, target, row.metadata)

    def _code_problem(self, row: CodeRow) -> Problem:
        prompt = self.starter_prompt if row.starter and self.starter_prompt else self.prompt
        tests = CodeTests(
            store=str(row.store),
            problem_id=row.id,
            num_tests=row.num_tests,
            sha256=row.tests_sha256,
            fn_name=row.fn_name,
            time_limit_s=self.time_limit_s,
            extraction=self.extraction,
        )
        messages = self._messages(prompt, {"problem": row.question, "starter": row.starter})
        return Problem(row.id, messages, tests, row.metadata)

    def _messages(self, prompt: str, texts: Mapping[str, str]) -> tuple[Mapping[str, str], ...]:
        system = [{"role": "system", "content": self.system_prompt}] if self.system_prompt else []
        return (*system, {"role": "user", "content": filled(prompt, texts)})


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeProtocol:
    """How a source asked for programs and found them in completions; see `Task`."""

    prompt: str
    starter_prompt: str
    system_prompt: str | None = None
    extraction: str = "last-block"
    time_limit_s: float = 6.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """Prompt, sampling and n as one published source used them.

    `prompt` is for answers and `code` for programs; a source may have had only one of them.
    `grader` is the source's own for answers, if it had one. In `n`, `lcb` stands for every window
    of LiveCodeBench that is not named.
    `published` names the sources in `results/reference/` whose numbers were made this way;
    `notes` are printed with every number.
    """

    name: str
    source: str
    sampling: Mapping[str, Any]
    n: Mapping[str, int]
    prompt: str | None = None
    system_prompt: str | None = None
    grader: str | None = None
    code: CodeProtocol | None = None
    published: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def apply(self, task: Task) -> Task:
        """Raises UsageError where the source says nothing about tasks of this kind."""
        is_lcb = isinstance(task.data, LcbSource) and task.data.release is not None
        n = self.n.get(task.name) or (self.n.get("lcb") if is_lcb else None) or task.n
        sampling = with_sampling(task.sampling, self.sampling, f"protocol {self.name}")
        if task.is_code and self.code:
            return self._with_code(replace(task, n=n, sampling=sampling), self.code)
        if task.is_code or self.prompt is None:
            kind = "programs" if task.is_code else "answers"
            raise UsageError(f"protocol {self.name} says nothing about {kind}, as in {task.name}")
        return replace(
            task,
            prompt=self.prompt,
            system_prompt=self.system_prompt,
            grader=self.grader or task.grader,
            n=n,
            sampling=sampling,
        )

    def _with_code(self, task: Task, code: CodeProtocol) -> Task:
        return replace(
            task,
            prompt=code.prompt,
            starter_prompt=code.starter_prompt,
            system_prompt=code.system_prompt,
            extraction=code.extraction,
            time_limit_s=code.time_limit_s,
            notes=(*task.notes, *code.notes),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    name: str
    description: str
    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """What a user asked for with `NAME[:N]`; `n` is None where no number was given."""

    task: Task
    n: int | None = None


def with_sampling(base: SamplingParams, changes: Mapping[str, Any], where: str) -> SamplingParams:
    return replace(base, **checked_fields(SamplingParams, changes, f"{where}: sampling"))


def task_names() -> list[str]:
    return _names("")


def suite_names() -> list[str]:
    return _names("suites")


def protocol_names() -> list[str]:
    return _names("protocols")


def load_task(name: str) -> Task:
    """A shipped task by name, one of the user's own by the path of its YAML file, or `ANY_WINDOW`."""
    if is_window(name):
        found = named_window(name)
        return replace(
            load_task("lcb_v6"),
            name=found.name,
            title=found.title,
            description=found.title,
            data=found.source,
        )
    path = Path(name).expanduser() if _is_file(name) else _shipped("", "task", name)
    task = build(Task, {"name": path.stem, **load_yaml(path)}, f"task {path.stem}")
    return replace(task, data=_beside(path, task.data))


def _beside(path: Path, data: DataSource | LcbSource | AssertSource) -> Any:
    """Files that belong to a task lie beside its YAML file."""
    if isinstance(data, AssertSource):
        return replace(data, rows=_beside(path, data.rows))
    if isinstance(data, LcbSource):
        return replace(data, problems=path.parent / data.problems) if data.problems else data
    if data.bundled:
        return replace(data, file=str((path.parent / data.file).resolve()))
    return data


def load_protocol(name: str) -> Protocol:
    path = _shipped("protocols", "protocol", name)
    return build(Protocol, {"name": name, **load_yaml(path)}, f"protocol {name}")


def load_suite(name: str) -> Suite:
    path = _shipped("suites", "suite", name)
    return build(Suite, {"name": name, **load_yaml(path)}, f"suite {name}")


def parse_tasks(requests: list[str] | tuple[str, ...]) -> list[TaskRequest]:
    """Reads `aime24:64`, `math` (a suite) or `my_task.yaml:8`; a task named twice is an error."""
    parsed = [one for request in requests for one in _parse(request)]
    names = [one.task.name for one in parsed]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"task {', '.join(twice)} was asked for more than once")
    if not parsed:
        raise UsageError(f"no task was asked for; known: {', '.join(task_names())}")
    return parsed


def _parse(request: str) -> list[TaskRequest]:
    name, n = _split(request)
    if name in suite_names():
        return [TaskRequest(load_task(member), n) for member in load_suite(name).tasks]
    if not (_is_file(name) or is_window(name) or name in task_names()):
        raise unknown("task or suite", name, [*task_names(), *suite_names(), ANY_WINDOW])
    return [TaskRequest(load_task(name), n)]


def _split(request: str) -> tuple[str, int | None]:
    if ":" not in request:
        return request, None
    name, _, count = request.rpartition(":")
    if not count.isdecimal() or int(count) < 1:
        raise UsageError(
            f"{request!r}: after the colon comes the number of samples, as in {name}:64"
        )
    return name, int(count)


def _is_file(name: str) -> bool:
    return name.endswith((".yaml", ".yml"))


def _names(folder: str) -> list[str]:
    return sorted(path.stem for path in (resource_dir("tasks") / folder).glob("*.yaml"))


def _shipped(folder: str, kind: str, name: str) -> Path:
    if name not in _names(folder):
        raise unknown(kind, name, _names(folder))
    return resource_dir("tasks") / folder / f"{name}.yaml"
