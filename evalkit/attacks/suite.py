"""The programs of the attack suite, read from their files and checked."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from evalkit.configs import build, load_yaml
from evalkit.resources import resource_dir
from evalkit.sandbox.types import Mode
from evalkit.teststore import Case
from evalkit.types import UsageError, Verdict, unknown

HOSTILE, HONEST = "hostile", "honest"
SUITE_DIR = "tests/attacks"
_SIZED: Mapping[str, Callable[[int], tuple[str, str]]] = {
    "count_lines": lambda n: (
        f"{n}\n" + "".join(f"{i}\n" for i in range(n)),
        str(n * (n - 1) // 2),
    ),
    "letters": lambda n: (f"{n}\n", "x" * n),
    "total_fn": lambda n: (str(list(range(n))), str(n * (n - 1) // 2)),
    "count_fn": lambda n: (str(n), str(list(range(n)))),
    "power": lambda n: (f"{n}\n", str(Decimal(2**n))),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemSpec:
    """What a program of the suite pretends to solve. `time_limit_s` is CPU time for one test."""

    name: str
    cases: tuple[Case, ...]
    fn_name: str | None = None
    time_limit_s: float = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One program. `after` names the one that must run just before it, in the same container."""

    name: str
    kind: str
    problem: ProblemSpec
    code: str
    reason: str
    expected: Mapping[Mode, tuple[Verdict, ...]]
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Problem:
    fn_name: str | None = None
    cases: tuple[Case, ...] = ()
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    problem: str
    reason: str
    verdict: tuple[str, ...] = ()
    official: tuple[str, ...] = ()
    process: tuple[str, ...] = ()
    after: str | None = None
    padding: int = 0
    time_limit_s: float | None = None


def load_suite(path: Path | None = None) -> list[Attack]:
    """In the order of the index, hostile programs first.

    Raises UsageError where an index and its files do not fit together.
    """
    folder = path or resource_dir(SUITE_DIR)
    problems = load_problems(folder / "problems.yaml")
    return [attack for kind in (HOSTILE, HONEST) for attack in _programs(folder, kind, problems)]


def load_problems(path: Path) -> dict[str, ProblemSpec]:
    return {
        name: _problem(name, build(_Problem, values, f"{path.name}: {name}"))
        for name, values in load_yaml(path).items()
    }


def select(attacks: Iterable[Attack], names: Iterable[str]) -> list[Attack]:
    """The programs called `names`, each with the one that it follows; all where no name is given."""
    known = {attack.name: attack for attack in attacks}
    wanted = set(names)
    for name in sorted(wanted - known.keys()):
        raise unknown("program of the attack suite", name, list(known))
    wanted |= {known[name].after or name for name in wanted}
    return [attack for attack in known.values() if not wanted or attack.name in wanted]


def _programs(folder: Path, kind: str, problems: Mapping[str, ProblemSpec]) -> Iterator[Attack]:
    index = load_yaml(folder / f"{kind}.yaml")
    limit_s = float(index["time_limit_s"])
    files = {file.stem: file for file in (folder / kind).glob("*.py")}
    entries = {
        name: build(_Entry, values, f"{kind}.yaml: {name}")
        for name, values in index["programs"].items()
    }
    if differing := sorted(files.keys() ^ entries.keys()):
        raise UsageError(
            f"{kind}.yaml and the files in {folder / kind} differ: {', '.join(differing)}"
        )
    for name, entry in entries.items():
        if entry.problem not in problems:
            raise unknown("problem", entry.problem, list(problems))
        yield Attack(
            name=name,
            kind=kind,
            problem=replace(problems[entry.problem], time_limit_s=entry.time_limit_s or limit_s),
            code=_code(files[name], entry.padding),
            reason=entry.reason,
            expected=_expected(entry, f"{kind}.yaml: {name}"),
            after=entry.after,
        )


def _code(file: Path, padding: int) -> str:
    """Some programs hold what UTF-8 does not allow."""
    text = file.read_bytes().decode("utf-8", "surrogatepass")
    return text + "#" * padding


def _expected(entry: _Entry, where: str) -> dict[Mode, tuple[Verdict, ...]]:
    names = {
        Mode.OFFICIAL: entry.official or entry.verdict,
        Mode.PROCESS: entry.process or entry.verdict,
    }
    known = [one.value for one in Verdict if one is not Verdict.GRADER_ERROR]
    for name in (one for listed in names.values() for one in listed):
        if name not in known:
            raise unknown(f"verdict ({where})", name, known)
    if not all(names.values()):
        raise UsageError(f"{where}: no expected verdict")
    return {mode: tuple(map(Verdict, listed)) for mode, listed in names.items()}


def _problem(name: str, problem: _Problem) -> ProblemSpec:
    sized = tuple(Case(*_SIZED[name](size)) for size in problem.sizes)
    return ProblemSpec(name=name, cases=problem.cases + sized, fn_name=problem.fn_name)
