"""What a report says of a run: numbers against brute force, the schema, published values, tables."""

import itertools
import json
import os
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pytest
from rich.console import Console

from evalkit.maths.profiles import PROFILES
from evalkit.records import RunWriter, read_manifest
from evalkit.report.files import open_records, read_report, write_report
from evalkit.report.published import find_published
from evalkit.report.summary import Metric, TaskSummary
from evalkit.report.table import markdown, terminal
from evalkit.types import Grade, RunError, Sample, Verdict

SCHEMA = json.loads(
    (Path(__file__).parents[1] / "evalkit" / "report" / "metrics.schema.json").read_text()
)


@dataclass(frozen=True, slots=True)
class Graded:
    """A sample of problem `problem`; without a verdict it has no grade."""

    problem: str
    index: int
    verdict: Verdict | None
    extracted: str | None = None
    finish_reason: str | None = "stop"
    num_tokens: int | None = 10
    text: str = "t"

    @property
    def score(self) -> float | None:
        return None if self.verdict is Verdict.GRADER_ERROR else float(self.verdict == "correct")


def entry(num_problems: int, n: int, **changes: Any) -> dict[str, Any]:
    return {
        "title": "Sums",
        "identity": {"data_sha256": "0" * 64},
        "num_problems": num_problems,
        "num_planned": num_problems,
        "n": n,
        "ks": list(range(1, n + 1)),
        "grader": "math",
        **changes,
    }


def manifest(tasks: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "model": "demo",
        "identity": {"engine": "replay"},
        "protocol": None,
        "protocol_label": "task defaults",
        "protocol_changes": [],
        "notes": [],
        "unclosed_thinking": "no_answer",
        "published_as": None,
        "invocations": [],
        "tasks": tasks,
        **changes,
    }


def add(writer: RunWriter, one: Graded, task: str = "sums") -> None:
    sample = Sample(
        task=task,
        problem_id=one.problem,
        index=one.index,
        seed=None,
        text=one.text,
        finish_reason=one.finish_reason,
        num_tokens=one.num_tokens,
    )
    writer.add_sample(sample)
    if one.verdict is not None:
        grade = Grade(verdict=one.verdict, score=one.score, extracted=one.extracted)
        writer.add_grade(sample.key, grade, "math", PROFILES["math"])


def report(path: Path, samples: Iterable[Graded], n: int, **changes: Any) -> Any:
    """Writes a run of one task, reports it, checks the schema, and returns the task's part."""
    samples = list(samples)
    num_problems = len({one.problem for one in samples})
    with RunWriter(path) as writer:
        writer.write_json("manifest.json", manifest({"sums": entry(num_problems, n, **changes)}))
        for one in samples:
            add(writer, one)
        write_report(writer)
    document = json.loads((path / "metrics.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document["tasks"]["sums"]


def draw_samples(seed: int, *, sizes: list[int], with_errors: bool) -> list[Graded]:
    """Ragged groups of right, wrong, silent and (perhaps) failed samples, in any order."""
    draw = random.Random(seed)
    kinds = [("correct", "7"), ("wrong", "1"), ("wrong", "2"), ("no_answer", None)]
    if with_errors:
        kinds += [("grader_error", "3"), ("grader_error", "1")]
    samples = []
    for number, size in enumerate(sizes):
        for index in range(size):
            verdict, extracted = draw.choice(kinds)
            reason = draw.choice(["stop", "length", None])
            samples.append(
                Graded(f"p{number}", index, Verdict(verdict), extracted, reason, draw.randrange(99))
            )
    draw.shuffle(samples)
    return samples


def brute_force(samples: list[Graded], kind: str, k: int, error_score: int) -> Fraction:
    """The metric from its definition: the mean over problems of the mean over all k-subsets."""
    groups: dict[str, list[tuple[str | None, int]]] = {}
    for one in samples:
        score = error_score if one.score is None else int(one.score)
        groups.setdefault(one.problem, []).append((one.extracted, score))
    of_subset = {"avg": mean_score, "pass": any_correct, "maj": majority_credit}[kind]
    values = []
    for group in groups.values():
        subsets = [group] if kind == "avg" else list(itertools.combinations(group, k))
        values.append(sum((of_subset(one, group) for one in subsets), Fraction(0)) / len(subsets))
    return sum(values, Fraction(0)) / len(values)


def mean_score(subset: Any, group: Any) -> Fraction:
    return Fraction(sum(score for _, score in subset), len(subset))


def any_correct(subset: Any, group: Any) -> Fraction:
    return Fraction(max(score for _, score in subset))


def majority_credit(subset: Any, group: Any) -> Fraction:
    """The winning answers share the credit; an answer is worth the mean score of all its samples."""
    votes = Counter(answer for answer, _ in subset if answer is not None)
    winners = [answer for answer, count in votes.items() if count == max(votes.values())]
    worths = [mean_score([one for one in group if one[0] == winner], group) for winner in winners]
    return sum(worths, Fraction(0)) / len(worths) if worths else Fraction(0)


def wanted(sizes: list[int]) -> Iterator[tuple[str, int]]:
    yield "avg", max(sizes)
    for kind in ("pass", "maj"):
        yield from ((kind, k) for k in range(2, min(sizes) + 1))


@pytest.mark.parametrize("sizes", [[4, 4, 4], [3, 5, 4, 3], [1], [2, 2], [1, 3]])
@pytest.mark.parametrize("seed", range(3))
def test_numbers_are_those_of_brute_force(tmp_path: Path, sizes: list[int], seed: int) -> None:
    """avg, pass and maj over even and ragged groups equal their definitions over all subsets."""
    samples = draw_samples(seed, sizes=sizes, with_errors=False)
    found = report(tmp_path / "run", samples, max(sizes))

    assert [(one["kind"], one["k"]) for one in found["metrics"]] == list(wanted(sizes))
    for one in found["metrics"]:
        expected = float(brute_force(samples, one["kind"], one["k"], error_score=0))
        assert one["value"] == pytest.approx(expected)
        assert one["low"] <= one["value"] <= one["high"]
        assert one["low"] < one["high"]


@pytest.mark.parametrize("seed", range(5))
def test_numbers_do_not_depend_on_the_order_of_the_lines(tmp_path: Path, seed: int) -> None:
    """A resumed run has its lines in another order and the same numbers to the last digit."""
    samples = draw_samples(seed, sizes=[4] * 30, with_errors=False)
    shuffled = random.Random(seed).sample(samples, len(samples))
    first = report(tmp_path / "first", samples, n=4)
    assert report(tmp_path / "second", shuffled, n=4)["metrics"] == first["metrics"]


@pytest.mark.parametrize("seed", range(4))
def test_grader_errors_give_the_range_from_all_wrong_to_all_correct(
    tmp_path: Path, seed: int
) -> None:
    """No number stands beside a grader error, and the ends of the range are exact."""
    samples = draw_samples(seed, sizes=[4, 3, 5], with_errors=True)
    samples[0] = Graded(samples[0].problem, samples[0].index, Verdict.GRADER_ERROR, "7")
    found = report(tmp_path / "run", samples, 5)

    assert found["num_grader_errors"] == sum(one.score is None for one in samples)
    assert found["score_given_finished"] is None
    for one in found["metrics"]:
        low, high = (
            float(brute_force(samples, one["kind"], one["k"], error_score=score))
            for score in (0, 1)
        )
        assert (one["value"], one["level"]) == (None, None)
        assert (one["low"], one["high"]) == pytest.approx((low, high))


def test_shares_and_lengths_are_counted(tmp_path: Path) -> None:
    """Truncation is of all samples, no answer of the graded ones, lengths of the known ones."""
    found = report(
        tmp_path / "run",
        [
            Graded("a", 0, Verdict.CORRECT, "1", "stop", 10),
            Graded("a", 1, Verdict.NO_ANSWER, None, "length", 30),
            Graded("b", 0, Verdict.WRONG, "2", "stop", None),
            Graded("b", 1, None, None, "stop", 20),
        ],
        2,
    )

    assert found["shares"] == {"truncated": 1 / 4, "no_answer": pytest.approx(1 / 3)}
    assert found["tokens"] == {"mean": 20.0, "p50": 20.0, "p95": 29.0, "max": 30}
    assert found["score_given_finished"] == 0.5
    assert (found["num_ungraded"], found["is_complete"]) == (1, False)


def test_unknown_finish_reasons_give_no_share(tmp_path: Path) -> None:
    """Where no sample says how it ended, none is claimed to have been cut off or not."""
    found = report(tmp_path / "run", [Graded("a", 0, Verdict.CORRECT, "1", None, None)], 1)

    assert found["shares"]["truncated"] is None
    assert found["tokens"] is None


def test_run_without_any_answer_scores_zero(tmp_path: Path) -> None:
    """`extracted` of None everywhere is a majority vote that nobody casts."""
    silent = [Graded(p, i, Verdict.NO_ANSWER, None) for p in "ab" for i in range(2)]
    found = report(tmp_path / "run", silent, 2)

    assert {one["name"]: one["value"] for one in found["metrics"]} == {
        "avg@2": 0.0,
        "pass@2": 0.0,
        "maj@2": 0.0,
    }


def test_code_has_no_majority_vote(tmp_path: Path) -> None:
    """Programs do not vote: another grader than those of mathematics shows no maj@k."""
    with RunWriter(tmp_path / "run") as writer:
        tasks = {"sums": entry(1, 2, grader="code")}
        writer.write_json("manifest.json", manifest(tasks))
        for index in range(2):
            add(writer, Graded("a", index, None))
            grade = Grade(verdict=Verdict.CORRECT, score=1.0, extracted="print(1)")
            writer.add_grade(("sums", "a", index), grade, "code", "v1")
        document = write_report(writer)

    assert [one["name"] for one in document["tasks"]["sums"]["metrics"]] == ["avg@2", "pass@2"]


LCB = {"data": {"release": "release_v5"}}


def errata_samples(seed: int = 0, *, sound: int = 3) -> list[Graded]:
    """Two problems with known errata among `sound` others, with four samples each."""
    names = dict(enumerate(["arc189_a", "arc185_c", *(f"abc{i}_a" for i in range(sound))]))
    samples = draw_samples(seed, sizes=[4] * len(names), with_errors=False)
    return [replace(one, problem=names[int(one.problem[1:])]) for one in samples]


@pytest.mark.parametrize("seed", range(3))
def test_score_without_errata_is_that_of_a_run_without_them(tmp_path: Path, seed: int) -> None:
    """Every metric stands twice: over all problems, and as if those with errata were not there."""
    samples = errata_samples(seed)
    sound = [one for one in samples if one.problem.startswith("abc")]
    found = report(tmp_path / "run", samples, 4, **LCB)
    expected = report(tmp_path / "sound", sound, 4, **LCB)

    assert found["metrics"] == report(tmp_path / "plain", samples, 4)["metrics"]
    assert found["without_errata"] == {
        "problem_ids": ["arc185_c", "arc189_a"],
        "metrics": expected["metrics"],
    }
    assert expected["without_errata"] is None


@pytest.mark.parametrize("data", [None, {}, {"release": None}, {"hub": "h", "file": "f"}])
def test_only_livecodebench_has_errata(tmp_path: Path, data: dict[str, Any] | None) -> None:
    """A problem of another benchmark that has such an id is a problem like any other."""
    assert report(tmp_path / "run", errata_samples(), 4, data=data)["without_errata"] is None


def test_errata_that_have_no_grade_yet_are_not_named(tmp_path: Path) -> None:
    """The line speaks of what the score is made of."""
    samples = [Graded("a", 0, Verdict.CORRECT), Graded("arc185_c", 0, None)]
    assert report(tmp_path / "run", samples, 1, **LCB)["without_errata"] is None


def test_score_without_errata_is_a_line_below_the_table(tmp_path: Path) -> None:
    """Names and numbers, in the terminal as in Markdown; also where no problem is left."""
    bad = [Graded(name, 0, Verdict.WRONG) for name in ("arc189_a", "arc185_c")]
    tasks = {"lcb_v5": entry(3, 1, **LCB), "lcb_v6": entry(1, 1, **LCB), "sums": entry(1, 1)}
    with RunWriter(tmp_path / "run") as writer:
        writer.write_json("manifest.json", manifest(tasks))
        for one in (*bad, Graded("abc1_a", 0, Verdict.CORRECT)):
            add(writer, one, "lcb_v5")
        add(writer, Graded("3194", 0, Verdict.GRADER_ERROR), "lcb_v6")
        add(writer, bad[0], "sums")
        document = write_report(writer)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    console = Console(width=200, record=True, file=(tmp_path / "out").open("w"))
    with console.file:
        console.print(terminal(document))

    for text in (markdown(document), console.export_text()):
        lines = [line.lstrip("-! ") for line in text.splitlines() if "errata" in line]
        assert lines[0].startswith(
            "lcb_v5 without 2 problems with known errata (arc185_c, arc189_a): avg@1 100.0 ["
        )
        assert lines[1:] == [
            "lcb_v6 without 1 problem with known errata (3194): no problem is left"
        ]


def test_equal_answers_vote_together(tmp_path: Path) -> None:
    """Spellings with the same normal form are one class, which wins two to one."""
    spellings = [(Verdict.CORRECT, r"\frac{1}{2}"), (Verdict.CORRECT, r"\dfrac12")]
    votes = [*spellings, (Verdict.WRONG, "3")]
    found = report(
        tmp_path / "run", [Graded("a", i, *vote) for i, vote in enumerate(votes)], 3, ks=[3]
    )

    assert [one["value"] for one in found["metrics"] if one["name"] == "maj@3"] == [1.0]


def test_majority_that_rounds_above_one_is_one(tmp_path: Path) -> None:
    """A sum of many terms may round to above 1, which is no reason to fail."""
    votes = [Graded("a", i, Verdict.CORRECT, "1") for i in range(61)]
    votes += [Graded("a", i, Verdict.WRONG, "2") for i in range(61, 64)]
    found = report(tmp_path / "run", votes, 64, ks=[32])

    assert [one["value"] for one in found["metrics"] if one["name"] == "maj@32"] == [1.0]


def test_last_grade_of_many_counts(tmp_path: Path) -> None:
    """Over many lines and repeated keys the join takes the grade that was written last."""
    num = 30_000
    with RunWriter(tmp_path / "run") as writer:
        writer.write_json("manifest.json", manifest({"sums": entry(num, 1)}))
        for i in range(num):
            add(writer, Graded(str(i), 0, Verdict.CORRECT, "1"))
        for i in range(num):
            wrong = Grade(verdict=Verdict.WRONG, score=0.0, extracted=str(i))
            writer.add_grade(("sums", str(i), 0), wrong, "math", PROFILES["math"])
            writer.add_grade(("sums", str(i), 0), wrong, "qwen-math", PROFILES["qwen-math"])
        write_report(writer)

    with open_records(tmp_path / "run") as files:
        records = pd.read_parquet(files["sums"])
    assert len(records) == num
    assert (records["extracted"] == records["problem_id"]).all()
    assert set(records["grader"]) == {"math"}


def test_grades_that_have_no_span_are_read(tmp_path: Path) -> None:
    """They were written before it was recorded where an answer stands."""
    found = report(tmp_path / "run", errata_samples(), 4)
    file = tmp_path / "run" / "sums" / "grades.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert {row.pop("span", "absent") for row in rows} == {None}
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))

    assert read_report(tmp_path / "run")["tasks"]["sums"] == found


def test_task_without_samples_has_a_row(tmp_path: Path) -> None:
    """A task whose turn has not come is not complete, and is not left out."""
    with RunWriter(tmp_path / "run") as writer:
        writer.write_json("manifest.json", manifest({"sums": entry(3, 2)}))
        document = write_report(writer)

    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert document["tasks"]["sums"]["num_samples"] == 0
    assert not document["tasks"]["sums"]["is_complete"]
    assert "| sums | 3 | 0 |" in markdown(document)
    assert "sums: not complete, 0 of 6 samples" in markdown(document)


@pytest.mark.parametrize("name", ["samples.jsonl", "grades.jsonl"])
def test_report_names_a_damaged_line(tmp_path: Path, name: str) -> None:
    """A report that reads no line itself still says which one is damaged, and leaves no file."""
    report(tmp_path / "run", [Graded("a", i, Verdict.CORRECT) for i in range(3)], 3)
    file = tmp_path / "run" / "sums" / name
    content = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(content[0] + content[1][:-9] + b"\n" + content[2])

    match = rf"{tmp_path}/run/sums/{name}, line 2 is damaged"
    with RunWriter(tmp_path / "run") as writer, pytest.raises(RunError, match=match):
        write_report(writer)
    with pytest.raises(RunError, match=match):
        read_report(tmp_path / "run")
    assert not list((tmp_path / "run").rglob(".*.tmp"))


def test_torn_last_line_does_not_stop_a_reader(tmp_path: Path) -> None:
    """A report without the lock counts complete lines and does not write to the run."""
    report(tmp_path / "run", [Graded("a", i, Verdict.CORRECT) for i in range(3)], 3)
    file = tmp_path / "run" / "sums" / "samples.jsonl"
    torn = file.read_bytes()[:-5]
    file.write_bytes(torn)

    assert read_report(tmp_path / "run")["tasks"]["sums"]["num_samples"] == 2
    assert file.read_bytes() == torn


def test_report_cuts_off_a_torn_last_line(tmp_path: Path) -> None:
    """A report of a killed run, with the lock, counts complete lines and repairs the file."""
    report(tmp_path / "run", [Graded("a", i, Verdict.CORRECT) for i in range(3)], 3)
    file = tmp_path / "run" / "sums" / "samples.jsonl"
    file.write_bytes(file.read_bytes()[:-5])
    with RunWriter(tmp_path / "run") as writer:
        document = write_report(writer)

    assert document["tasks"]["sums"]["num_samples"] == 2
    assert file.read_bytes().endswith(b"}\n")


def test_derived_files_older_than_the_lines_are_not_used(tmp_path: Path) -> None:
    """A reader of a run that went on sees the new samples, whatever metrics.json says."""
    report(tmp_path / "run", [Graded("a", 0, Verdict.CORRECT)], 2)
    with RunWriter(tmp_path / "run") as writer:
        add(writer, Graded("a", 1, Verdict.CORRECT))
    assert read_report(tmp_path / "run")["tasks"]["sums"]["num_samples"] == 2
    with open_records(tmp_path / "run") as files:
        assert len(pd.read_parquet(files["sums"])) == 2


def test_current_metrics_are_read_not_computed(tmp_path: Path) -> None:
    """The file that a finished run wrote is what every reader gets."""
    report(tmp_path / "run", [Graded("a", 0, Verdict.CORRECT)], 1)
    file = tmp_path / "run" / "metrics.json"
    file.write_text(json.dumps({"marked": True}))
    os.utime(file, (2**32, 2**32))

    assert read_report(tmp_path / "run") == {"marked": True}


def test_other_grader_in_the_manifest_makes_records_old(tmp_path: Path) -> None:
    """Grades of the grader that the manifest names now are what a reader sees."""
    report(tmp_path / "run", [Graded("a", 0, Verdict.CORRECT)], 1)
    with RunWriter(tmp_path / "run") as writer:
        content = read_manifest(tmp_path / "run")
        content["tasks"]["sums"]["grader"] = "qwen-math"
        writer.write_json("manifest.json", content)

    assert read_report(tmp_path / "run")["tasks"]["sums"]["num_ungraded"] == 1


@pytest.mark.parametrize(
    "text", ["a\0b", "\u2028", "\U0001f9ee", "'; --", "\ud800", "x" * 1_000_000], ids=ascii
)
def test_any_text_reaches_the_records(tmp_path: Path, text: str) -> None:
    """Completion, answer and problem id come through the join as they were written."""
    graded = Graded("p" + text[:20], 0, Verdict.WRONG, text[:50], text=text)
    report(tmp_path / "run", [graded], 1)

    with open_records(tmp_path / "run") as files:
        (record,) = pd.read_parquet(files["sums"]).to_dict("records")
    readable = text.replace("\ud800", "\ufffd")
    assert record["text"] == readable
    assert record["extracted"] == readable[:50]
    assert record["problem_id"] == "p" + readable[:20]
    assert record["verdict"] == "wrong"


def test_schema_describes_every_property() -> None:
    """Each property has a description, and no object takes properties that are not described."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    nodes = [SCHEMA, *SCHEMA["$defs"].values()]
    nodes += [one for node in nodes for one in node["properties"].values()]
    for node in nodes:
        assert "$ref" in node or "const" in node or len(node["description"]) > 10
        if "properties" in node:
            assert node["additionalProperties"] is False
            assert set(node["required"]) == set(node["properties"])


@pytest.mark.parametrize("change", [{"strange": 1}, {"model": 7}, {"schema_version": 2}])
def test_schema_refuses_other_documents(tmp_path: Path, change: dict[str, Any]) -> None:
    """The schema is strict enough to notice a key that is new or of another type."""
    report(tmp_path / "run", [Graded("a", 0, Verdict.CORRECT)], 1)
    document = json.loads((tmp_path / "run" / "metrics.json").read_text())

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate({**document, **change})


def published_case(**changes: Any) -> tuple[dict[str, Any], TaskSummary]:
    """A complete run of MATH-500 as Table 1 of the ASPO paper has it, 83.6 % for this model."""
    grader = changes.pop("grader", "math")
    summary: dict[str, Any] = {
        "name": "math500",
        "title": "MATH-500",
        "num_problems": 500,
        "num_problems_total": 500,
        "n": 4,
        "num_samples": 2000,
        "num_expected": 2000,
        "num_ungraded": 0,
        "num_grader_errors": 0,
        "metrics": (Metric("avg", 4, 0.81, 0.85, "Wilson-Jeffreys", 0.83),),
        "truncated": 0.0,
        "no_answer": 0.0,
        "score_given_finished": 0.83,
        "tokens": None,
    }
    given = {name: changes.pop(name) for name in list(changes) if name in summary}
    values = {
        "model": "/models/DeepSeek-R1-Distill-Qwen-1.5B/",
        "protocol": "aspo",
        **changes,
    }
    task = entry(500, 4, grader=grader)
    return manifest({"math500": task}, **values), TaskSummary(**{**summary, **given})


def test_published_value_stands_beside_the_same_protocol() -> None:
    """Value and source of Table 1, and the distance in standard errors of the measured value."""
    found = find_published(*published_case())

    assert found is not None
    assert (found.value, found.k, found.source) == (0.836, 4, "arXiv 2510.06062v2")
    assert found.distance == pytest.approx((0.83 - 0.836) / (0.04 / 3.92))


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "DeepSeek-R1-1.5B"},
        {"model": "./step-300", "published_as": "DeepSeek-R1-Distill-Qwen-1.5B"},
        {"model": "deepseek-ai/deepseek-r1-distill-qwen-1.5b"},
    ],
)
def test_published_model_is_known_by_its_names(changes: dict[str, Any]) -> None:
    """By name or label of the table in any case, or by what the user says it is."""
    assert find_published(*published_case(**changes)) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"protocol": None},
        {"protocol": "deepseek-r1"},
        {"protocol_changes": ["temperature=0.6"]},
        {"model": "no-such-model"},
        {"n": 8},
        {"num_problems": 499},
        {"num_samples": 1999},
        {"num_ungraded": 1},
        {"grader": "qwen-math"},
        {"unclosed_thinking": "grade"},
    ],
)
def test_nothing_published_stands_beside_another_protocol(changes: dict[str, Any]) -> None:
    """Any change of prompt, sampling, n, grading or completeness takes the comparison away."""
    assert find_published(*published_case(**changes)) is None


def test_published_value_with_grader_errors_has_no_distance() -> None:
    """A range has no standard error."""
    metric = Metric("avg", 4, 0.81, 0.85, "range", None)
    found = find_published(*published_case(metrics=(metric,)))

    assert found is not None
    assert found.distance is None


def test_markdown_has_one_row_per_task(tmp_path: Path) -> None:
    """Scores with intervals, marks for partial and incomplete runs, ranges for grader errors."""
    tasks = {"first": {**entry(2, 1), "num_problems": 9}, "second": entry(2, 2)}
    with RunWriter(tmp_path / "run") as writer:
        writer.write_json("manifest.json", manifest(tasks))
        for problem in "ab":
            add(writer, Graded(problem, 0, Verdict.CORRECT, "1"), "first")
        add(writer, Graded("a", 0, Verdict.CORRECT, "1"), "second")
        add(writer, Graded("a", 1, Verdict.GRADER_ERROR, "2"), "second")
        text = markdown(write_report(writer))

    rows = [line for line in text.splitlines() if line.startswith(("| first", "| second"))]
    assert rows[0].startswith("| first | 2 of 9 | 1 | 100.0 [")
    assert rows[1].startswith("| second | 2 | 2 | 50.0 to 100.0 |")
    assert "first: partial, the first 2 of 9 problems" in text
    assert "second: not complete, 2 of 4 samples, 2 of them graded" in text
    assert "second: 1 grader error:" in text


def test_names_are_no_markup(tmp_path: Path) -> None:
    """Brackets, bars and line breaks in the names of model and task break no table."""
    task = "a|b[red]"
    with RunWriter(tmp_path / "run") as writer:
        content = manifest({task: entry(1, 1)}, model="m[/x]\n|y")
        writer.write_json("manifest.json", content)
        add(writer, Graded("a", 0, Verdict.CORRECT, "1"), task)
        document = write_report(writer)
    console = Console(width=200, record=True, file=(tmp_path / "out").open("w"))
    with console.file:
        console.print(terminal(document))

    assert "a|b[red]" in console.export_text()
    lines = markdown(document).splitlines()
    assert lines[0] == "# m[/x] |y · protocol: task defaults"
    assert {line.count("|") for line in lines[2:5]} == {lines[2].count("|")}
