"""`evalkit audit`: finds the grades that are worth reading, and says how many points hang on them."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.audit.mentions import find_mention
from evalkit.cli import main
from evalkit.importing import import_file
from evalkit.runner import run
from evalkit.spec import RunSpec

Audit = Callable[..., tuple[int, str, str]]

# Problem, gold, completion. Five problems, two samples each: a sample is a tenth of the score.
# Qwen2.5-Math's rules take 0.02 and 2 for equal, as a percentage; no other grader does.
ROWS = [
    ("missed", "4", r"The sum is $4$. So I say \boxed{5}."),
    ("missed", "4", r"\[ 2 + 2 = 4 \] So I say \boxed{5}."),
    ("percent", "2", r"\boxed{0.02}"),
    ("percent", "2", r"\boxed{2}"),
    ("hedged", "2", r"\boxed{1 \text{ or } 2}"),
    ("hedged", "2", r"\boxed{2}"),
    ("right", "x+1", r"\boxed{1+x}"),
    ("right", "x+1", r"\boxed{x+1}"),
    ("wrong", "7", r"\boxed{8}"),
    ("wrong", "7", r"<think>It is"),
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with one problem for each kind of finding, and two without."""
    folder = tmp_path_factory.mktemp("audit")
    names = ("problem_id", "gold", "response")
    rows = [{"question": "?", **dict(zip(names, row, strict=True))} for row in ROWS]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return import_file("jsonl", folder / "rows.jsonl", out=folder / "run", num_workers=1)


@pytest.fixture
def audit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Audit:
    """Exit code, standard output and standard error of the command."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["evalkit", "audit", *map(str, arguments)])
        code: Any = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        written = capsys.readouterr()
        return code, written.out, written.err

    return call


def test_each_kind_of_finding_is_listed_with_most_points_first(audit: Audit, path: Path) -> None:
    """Disagreements of graders, right answers in the text, hedged answers; and nothing else."""
    code, out, _ = audit(path, "--json")

    (task,) = json.loads(out)
    found = {(one["kind"], one["problem_id"]): one for one in task["findings"]}
    assert code == 0
    assert task["num_samples"] == 10
    assert next(iter(found)) == ("not extracted", "missed")
    assert {key for key in found if key[1] != "hedged"} == {
        ("not extracted", "missed"),
        ("disagreement", "percent"),
    }
    assert found["flagged", "hedged"]["detail"] == "hedged"

    missed = found["not extracted", "missed"]
    assert (missed["gold"], missed["answer"], missed["verdict"]) == ("4", "5", "wrong")
    assert (missed["samples"], missed["points"]) == ([0, 1], pytest.approx(20))
    assert missed["detail"].startswith("The sum is $4$. So")

    percent = found["disagreement", "percent"]
    assert (percent["answer"], percent["samples"]) == ("0.02", [0])
    assert percent["points"] == pytest.approx(10)
    assert percent["detail"].startswith("graders: equal by qwen-math · different by this run, ")


def test_an_audit_shows_points_and_reasons_and_changes_nothing(audit: Audit, path: Path) -> None:
    """A plus: what the score would gain were the grade wrong. Further findings are counted."""
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}

    code, out, _ = audit(path, "--limit", 1)

    _, first, golds, detail, more = out.splitlines()
    assert code == 0
    assert first.startswith(" +20.00  not extracted: problem missed, 2 samples, wrong (boxed, ")
    assert golds.strip() == "gold 4 · answer 5"
    assert detail.strip().startswith("The sum is $4$.")
    assert more.endswith(" more with fewer points; --limit shows them")
    assert before == {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_a_run_in_which_all_agree_says_so(
    audit: Audit,
    tmp_path: Path,
    make_task: Callable[..., Path],
    make_recording: Callable[..., Path],
) -> None:
    """One line per task, with what was looked at."""
    spec = RunSpec(
        model="demo",
        tasks=(str(make_task(3, n=1)),),
        engine="replay",
        engine_args={"path": str(make_recording(3, n=1))},
        out=tmp_path / "run",
        grader_workers=1,
    )

    code, out, _ = audit(run(spec), "--task", "sums")

    assert (code, out) == (0, "sums: nothing to read; 3 samples, 3 distinct answers\n")


def test_a_task_that_the_run_does_not_have_is_refused(audit: Audit, path: Path) -> None:
    """The message has those that it has."""
    (name,) = json.loads((path / "manifest.json").read_text())["tasks"]

    assert audit(path, "--task", "sum")[::2] == (
        2,
        f"error: unknown task 'sum'; known: {name}\n",
    )


def test_a_directory_that_is_no_run_is_refused(audit: Audit, tmp_path: Path) -> None:
    """As by the other commands."""
    code, _, error = audit(tmp_path / "none")

    assert (code, "is not a run directory" in error) == (1, True)


def test_programs_are_not_audited(audit: Audit, tmp_path: Path) -> None:
    """Their verdicts come from tests."""
    manifest = {"schema_version": 1, "tasks": {"lcb": {"grader": "code"}}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))

    code, _, error = audit(tmp_path)

    assert (code, error.startswith("error: only mathematics can be audited")) == (2, True)


# Gold, end of a completion, whether the gold stands there as an answer.
MENTIONS = [
    ("144", "there are $144$ ways. I choose 7.", True),
    ("144", r"so \[ 12^2 = 144 \] and 7", True),
    ("144", "The total is 144.", True),
    ("144", "**144**", True),
    (r"\frac{1}{2}", r"we get \(x = \dfrac{1}{2}\), or so", True),
    ("East", "towards the East, I guess", True),
    ("144", r"\[ 144 - 72 + 16 = 88 \]", False),
    ("144", "1440 and 3.144 and 144.5", False),
    ("144", "range(-144, 144)", False),
    ("2", r"\[ \boxed{\sqrt{2}} \]", False),
    ("3", "Step 3: verify", False),
    ("East", "Easter, Northeast", False),
    ("144", "144" + " and so on" * 100, False),
]


@pytest.mark.parametrize(("gold", "text", "is_there"), MENTIONS)
def test_a_mention_is_an_answer_and_no_part_of_one(gold: str, text: str, is_there: bool) -> None:
    """Only the last part of the text is read."""
    assert (find_mention(gold, text) is not None) is is_there
