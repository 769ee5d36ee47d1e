"""Other tools' per-sample files become runs; the files in importer_files have the tools' true shapes."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from evalkit.data import Row, canonical_bytes
from evalkit.importing import import_file
from evalkit.records import read_manifest, read_problems, read_samples
from evalkit.report.importers import evalchemy, jsonl, lighteval, lm_eval
from evalkit.types import DataError, UsageError

FILES = Path(__file__).parent / "importer_files"
LM_EVAL = FILES / "samples_toy_sums_2026-01-02T03-04-05.678901.jsonl"
EVALCHEMY = FILES / "results_2026-01-02T03-04-05.678901.json"
COMPLETIONS = FILES / "completions.jsonl"

SUMS = {
    "x1": ("What is $2+3$?", "5"),
    "x2": ("What is $4+4$?", "8"),
    "x3": ("What is $1+1$?", "2"),
    "x4": ("How many fingers has a hand?", "5"),
}


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def toy_task(tmp_path: Path) -> str:
    """A task of the user's own with the problems of SUMS, by the path of its YAML file."""
    rows = [Row(name, question, answer) for name, (question, answer) in SUMS.items()]
    lines = ({"id": row.id, "question": row.question, "answer": row.answer} for row in rows)
    write_lines(tmp_path / "toy_data.jsonl", lines)
    path = tmp_path / "toy.yaml"
    path.write_text(
        f"""
title: Toy sums
description: four sums
data:
  file: toy_data.jsonl
  bundled: true
  num_problems: {len(rows)}
  sha256: {hashlib.sha256(canonical_bytes(rows)).hexdigest()}
  columns: {{id: id, question: question, answer: answer}}
prompt: "Answer this. {{problem}}"
grader: qwen-math
n: 1
sampling: {{temperature: 0.6}}
""",
        encoding="utf-8",
    )
    return str(path)


def import_rows(tmp_path: Path, rows: Iterable[dict[str, Any]], task: str | None = None) -> Path:
    """Imports rows of the general format without grading and returns the run directory."""
    file = write_lines(tmp_path / "rows.jsonl", rows)
    return import_file("jsonl", file, out=tmp_path / "run", task=task, grade=False)


def placed(run: Path, task: str) -> list[tuple[str, int, str]]:
    return [(one.problem_id, one.index, one.text) for one in read_samples(run, task)]


def write_details(path: Path, rows: list[dict[str, Any]]) -> Path:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def detail(doc_id: str, query: str, gold: str, text: list[str]) -> dict[str, Any]:
    """A row of lighteval 0.13 without the fields that are null in it."""
    return {
        "doc": {
            "query": query,
            "choices": [gold],
            "gold_index": 0,
            "id": doc_id,
            "task_name": "sums|0",
            "sampling_methods": ["GENERATIVE"],
            "num_samples": len(text),
        },
        "metric": {"pass@k:k=1&n=2": 0.5},
        "model_response": {
            "input": query,
            "input_tokens": [1, 2, 3],
            "text": text,
            "output_tokens": [[7] * len(one) for one in text],
            "text_post_processed": ["post-processed"] * len(text),
        },
    }


def test_lm_eval_repeats_are_samples_and_filters_are_read_once() -> None:
    """Two documents with two repeats under two filters are four samples of raw text."""
    rows = list(lm_eval.read(LM_EVAL))

    assert [(row.problem_id, row.index) for row in rows] == [("0", 0), ("0", 1), ("1", 0), ("1", 1)]
    assert rows[0].text == "He has 2+3=5. The answer is \\boxed{5}."


def test_lm_eval_task_is_in_the_file_name() -> None:
    """The task stands between `samples_` and the time, and may hold underscores."""
    assert {"toy_sums"} == {row.task for row in lm_eval.read(LM_EVAL)}


def test_lm_eval_question_falls_back_to_the_prompt(tmp_path: Path) -> None:
    """A document without a field for its question is named by the rendered prompt."""
    line = {
        "doc_id": 0,
        "doc": {"x": 1},
        "resps": [["a"]],
        "arguments": {"gen_args_0": {"arg_0": "Q?"}},
    }

    assert [row.question for row in lm_eval.read(write_lines(tmp_path / "f", [line]))] == ["Q?"]


def test_lm_eval_multiple_choice_is_refused(tmp_path: Path) -> None:
    """Log-likelihoods of choices are not completions."""
    line = {"doc_id": 0, "doc": {}, "resps": [[["-1.5", "False"]], [["-0.5", "True"]]]}

    with pytest.raises(DataError, match=r"line 1: expected resps as .* multiple-choice"):
        list(lm_eval.read(write_lines(tmp_path / "samples.jsonl", [line])))


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"resps": [["b"]], "filter": "other"}, "with other responses"),
        ({"resps": [["a"]], "filter": "none"}, "under the filter 'none'"),
    ],
)
def test_lm_eval_two_runs_in_one_file_are_refused(
    tmp_path: Path, second: dict[str, Any], message: str
) -> None:
    """A document may come again only under another filter with the same responses."""
    first = {"doc_id": 0, "doc": {}, "resps": [["a"]], "filter": "none"}

    with pytest.raises(DataError, match=f"line 2: doc_id 0 comes again {message}"):
        list(lm_eval.read(write_lines(tmp_path / "f", [first, {**first, **second}])))


def test_lighteval_reads_the_text_as_generated(tmp_path: Path) -> None:
    """Thinking stays in the text, tokens are counted per sample, the gold is the indexed choice."""
    file = write_details(
        tmp_path / "details_sums|0_2026-01-02T03-04-05.678901.parquet",
        [detail("1", "What is 2+3?", "5", ["<think>2</think>5", "6"])],
    )

    rows = list(lighteval.read(file))

    assert [row.text for row in rows] == ["<think>2</think>5", "6"]
    assert [row.num_tokens for row in rows] == [17, 1]
    assert {("sums", "1", "5")} == {(row.task, row.problem_id, row.gold) for row in rows}


def test_lighteval_flat_columns_are_read(tmp_path: Path) -> None:
    """Versions 0.8 to 0.10 wrote predictions and gold as columns, and the task in the file name."""
    file = write_details(
        tmp_path / "details_lighteval|sums|0_2025-01-02T03-04-05.678901.parquet",
        [
            {
                "example": "What is 2+3?",
                "gold": ["5"],
                "predictions": ["5", "6"],
                "metrics": {"em": 1},
            }
        ],
    )

    rows = list(lighteval.read(file))

    assert [(row.task, row.gold, row.text) for row in rows] == [
        ("sums", "5", "5"),
        ("sums", "5", "6"),
    ]


def test_lighteval_columns_of_text_are_refused(tmp_path: Path) -> None:
    """Up to 0.7 a list of predictions was written as one text, which cannot be read safely."""
    row = {"example": "What is 2+3?", "gold": "['5']", "predictions": "['5']"}

    with pytest.raises(DataError, match=r"lighteval 0\.8 or newer"):
        list(lighteval.read(write_details(tmp_path / "details.parquet", [row])))


def test_lighteval_other_columns_are_refused(tmp_path: Path) -> None:
    """Another Parquet file is an error that names its columns and the formats that exist."""
    file = write_details(tmp_path / "other.parquet", [{"x": 1, "y": 2}])

    with pytest.raises(
        DataError, match="found the columns x, y; formats: evalchemy, jsonl, lighteval"
    ):
        list(lighteval.read(file))


def test_lighteval_needs_parquet() -> None:
    """A JSON file is not taken for a broken Parquet file."""
    with pytest.raises(DataError, match="expected a Parquet file of lighteval"):
        list(lighteval.read(COMPLETIONS))


def test_evalchemy_reads_repetitions_and_single_outputs() -> None:
    """`model_outputs` is one sample per repetition, `model_output` one sample; scores are passed over."""
    rows = list(evalchemy.read(EVALCHEMY))

    assert [(row.task, row.problem_id, row.gold, row.index) for row in rows] == [
        ("AIMEtoy", "toy-0", "5", 0),
        ("AIMEtoy", "toy-0", "5", 1),
        ("AIMEtoy", "toy-1", "24", 0),
        ("AIMEtoy", "toy-1", "24", 1),
        ("MATHtoy", "test/toy/1.json", "9", 0),
    ]
    assert {"org/toy-1b"} == {row.model for row in rows}


def test_evalchemy_without_examples_is_refused(tmp_path: Path) -> None:
    """A file that holds only scores has nothing to import."""
    file = tmp_path / "results.json"
    file.write_text('{"results": {"IFEval": {"acc": 0.5}}}', encoding="utf-8")

    with pytest.raises(DataError, match="found only scores of IFEval"):
        list(evalchemy.read(file))


def test_evalchemy_example_without_outputs_is_refused(tmp_path: Path) -> None:
    """An example is never skipped: the error names it and the fields that it has."""
    file = tmp_path / "results.json"
    file.write_text('{"results": {"A": {"examples": [{"problem": "?"}]}}}', encoding="utf-8")

    with pytest.raises(DataError, match=r"results\.A\.examples\[0\]: .* found the fields problem"):
        list(evalchemy.read(file))


def test_evalchemy_truncated_file_is_refused(tmp_path: Path) -> None:
    """A document that ends early is not read in part."""
    file = tmp_path / "results.json"
    file.write_bytes(EVALCHEMY.read_bytes()[:-200])

    with pytest.raises(DataError, match="expected one complete JSON document"):
        list(evalchemy.read(file))


def test_jsonl_fields_have_alternatives() -> None:
    """Completions may be texts or lists with a finish reason and a length each; numbers become text."""
    rows = list(jsonl.read(COMPLETIONS))

    assert [(row.task, row.problem_id) for row in rows] == [
        ("sums", "a"),
        ("sums", "a"),
        ("sums", "b"),
        ("sums", "b"),
        ("products", "1"),
    ]
    assert [row.gold for row in rows] == ["5", "5", "2", "2", "24"]
    assert [row.finish_reason for row in rows] == ["stop", "length", "stop", "stop", "stop"]
    assert [row.num_tokens for row in rows] == [7, 9, 5, 5, 4]


def test_jsonl_null_is_absent(tmp_path: Path) -> None:
    """Of alternative fields the first that is not null counts."""
    line = {"completion": None, "response": "", "problem_id": None, "id": "a"}

    rows = list(jsonl.read(write_lines(tmp_path / "f", [line])))

    assert [(row.problem_id, row.text) for row in rows] == [("a", "")]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("max_tokens", "length"), ("eos_token", "stop"), ("abort", "abort"), (None, None)],
)
def test_jsonl_finish_reasons_get_vllm_names(
    tmp_path: Path, reason: str | None, expected: str | None
) -> None:
    """Other names of a truncated or finished completion are translated, unknown ones kept."""
    file = write_lines(tmp_path / "f", [{"text": "a", "finish_reason": reason}])

    assert [row.finish_reason for row in jsonl.read(file)] == [expected]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            {"prediction": "5"},
            "expected one of the fields completion, .* found the fields prediction",
        ),
        ({"text": {"a": 1}}, "expected a completion or a list of them, found"),
        ({"text": []}, r"expected a completion or a list of them, found \[\]"),
        ({"text": ["a", 5]}, "expected completions as text, found 5"),
        ({"text": ["a", "b"], "num_tokens": [1]}, "expected 2 values of num_tokens, found 1"),
        (
            {"text": "a", "num_tokens": "many"},
            "expected num_tokens as a whole number, found 'many'",
        ),
        ({"text": "a", "gold": {"x": 1}}, r"expected gold \| answer \| target as text or a number"),
    ],
)
def test_jsonl_wrong_field_is_refused(tmp_path: Path, line: dict[str, Any], message: str) -> None:
    """The error names file, line, and what was expected and found."""
    file = write_lines(tmp_path / "rows.jsonl", [{"text": "good"}, line])

    with pytest.raises(DataError, match=f"rows.jsonl, line 2: {message}"):
        list(jsonl.read(file))


def test_truncated_line_is_refused(tmp_path: Path) -> None:
    """A file cut off in the middle of a line is an error that names the line."""
    file = tmp_path / "rows.jsonl"
    file.write_bytes(COMPLETIONS.read_bytes()[:-20])

    with pytest.raises(DataError, match=r"rows\.jsonl, line 4: not a complete line of JSON"):
        list(jsonl.read(file))


def test_import_is_graded_and_reported(tmp_path: Path) -> None:
    """The general format becomes a run with one directory per task and the right scores."""
    run = import_file("jsonl", COMPLETIONS, out=tmp_path / "run", model="toy-1b", num_workers=1)

    document = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    scores = {name: one["metrics"][0]["value"] for name, one in document["tasks"].items()}
    assert scores == {"sums": 0.75, "products": 1.0}
    assert (document["model"], document["protocol"]) == ("toy-1b", "imported from jsonl")


@pytest.mark.parametrize(
    ("format", "file", "num_samples"),
    [
        ("lm-eval", LM_EVAL, {"toy_sums": 4}),
        ("evalchemy", EVALCHEMY, {"AIMEtoy": 4, "MATHtoy": 1}),
        ("jsonl", COMPLETIONS, {"sums": 4, "products": 1}),
    ],
)
def test_every_sample_is_imported(
    tmp_path: Path, format: str, file: Path, num_samples: dict[str, int]
) -> None:
    """The run holds a directory per task with every completion of the file."""
    run = import_file(format, file, out=tmp_path / "run", grade=False)

    tasks = read_manifest(run)["tasks"]
    assert num_samples == {name: len(list(read_samples(run, name))) for name in tasks}


def test_lighteval_file_is_imported(tmp_path: Path) -> None:
    """The prompt is the question and the choice the answer where no task is named."""
    file = write_details(tmp_path / "d.parquet", [detail("4", "What is 2+3?", "5", ["\\boxed{5}"])])

    run = import_file("lighteval", file, out=tmp_path / "run", grade=False)

    assert placed(run, "sums") == [("4", 0, "\\boxed{5}")]
    assert read_problems(run, "sums")["4"].messages[0]["content"] == "What is 2+3?"


def test_answer_is_taken_from_a_worked_solution(tmp_path: Path) -> None:
    """GSM8K's solutions end in `#### 5`: the target is the 5."""
    run = import_file("lm-eval", LM_EVAL, out=tmp_path / "run", grade=False)

    targets = [problem.target.text for problem in read_problems(run, "toy_sums").values()]
    assert targets == ["5", "24"]


def test_manifest_says_where_samples_come_from(tmp_path: Path) -> None:
    """Source, digest and what is not known are recorded; no protocol is claimed."""
    run = import_file("lm-eval", LM_EVAL, out=tmp_path / "run", grade=False)

    manifest = read_manifest(run)
    digest = hashlib.sha256(LM_EVAL.read_bytes()).hexdigest()
    assert manifest["identity"] == {
        "engine": "import lm-eval",
        "source": {"file": LM_EVAL.name, "sha256": digest},
    }
    assert manifest["protocol"] is None
    assert "sampling" in manifest["notes"][0]
    assert "cut off" in manifest["notes"][1]


def test_rows_of_one_problem_are_numbered_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Without an index in the file the samples are 0, 1, ... per problem; without ids so are problems."""
    rows = [
        {"question": name, "gold": "5", "text": f"{name}{n}"} for n in range(2) for name in "ab"
    ]

    run = import_rows(tmp_path, rows)

    assert placed(run, "rows") == [("0", 0, "a0"), ("1", 0, "b0"), ("0", 1, "a1"), ("1", 1, "b1")]


def test_index_of_the_file_is_kept(tmp_path: Path) -> None:
    """Where the file numbers the samples, its numbers are kept."""
    row = {"id": "a", "question": "?", "gold": "5", "text": "x"}

    run = import_rows(tmp_path, [{**row, "index": 3}, {**row, "index": 1}])

    assert placed(run, "rows") == [("a", 3, "x"), ("a", 1, "x")]


def test_failure_while_writing_leaves_nothing(tmp_path: Path) -> None:
    """A sample that is there twice is found after the first was written; the directory is gone."""
    row = {"id": "a", "question": "?", "gold": "5", "text": "x", "index": 0}

    with pytest.raises(DataError, match=r"line 2: problem 'a' has sample 0 twice"):
        import_rows(tmp_path, [row, row])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "rows.jsonl is empty"),
        ([{"id": "a", "question": "?", "text": "x"}], "line 1: no reference answer .* --task"),
        ([{"id": "a", "gold": "5", "text": "x"}], "line 1: no question in the file"),
        ([{"gold": "5", "text": "x"}], "line 1: found neither a problem id nor a question"),
        (
            [{"id": "a", "question": "?", "gold": g, "text": "x"} for g in "56"],
            "line 2: problem 'a' has another question or reference answer than in line 1",
        ),
        (
            [{"id": m, "question": m, "gold": "5", "text": "x", "model": m} for m in "uv"],
            r"several models \(u, v\)",
        ),
        (
            [
                {"id": "a", "question": "?", "gold": "5", "text": "x", "task": t}
                for t in ("u", None)
            ],
            r"some rows name a task \(u\) and some do not",
        ),
        (
            [{"id": i, "question": "?", "gold": "5", "text": "x"} for i in ("u", None)],
            "rows of task rows have an id and some have none",
        ),
        (
            [{"id": t, "question": t, "gold": "5", "text": "x", "task": t} for t in ("a/b", "a|b")],
            "several tasks would be written to the directory a_b",
        ),
    ],
)
def test_file_that_cannot_be_placed_is_refused(
    tmp_path: Path, rows: list[dict[str, Any]], message: str
) -> None:
    """Nothing is guessed and nothing is written."""
    with pytest.raises(DataError, match=message):
        import_rows(tmp_path, rows)
    assert not (tmp_path / "run").exists()


def test_unknown_format_lists_those_that_exist(tmp_path: Path) -> None:
    """A format that does not exist is answered with those that do."""
    with pytest.raises(
        UsageError, match=r"unknown format 'csv'; known: evalchemy, jsonl, lighteval"
    ):
        import_file("csv", COMPLETIONS, out=tmp_path / "run")


def test_missing_file_is_refused(tmp_path: Path) -> None:
    """A path that is not a file is named."""
    with pytest.raises(UsageError, match=r"there is no file .*absent\.jsonl"):
        import_file("jsonl", tmp_path / "absent.jsonl", out=tmp_path / "run")


def test_existing_directory_is_refused(tmp_path: Path) -> None:
    """An import never adds to what is there, even to an empty directory."""
    with pytest.raises(UsageError, match="already exists"):
        import_file("jsonl", COMPLETIONS, out=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_task_gives_answers_and_questions(tmp_path: Path, toy_task: str) -> None:
    """A question matches whatever its white space; gold, grader and question are then the task's."""
    run = import_rows(
        tmp_path, [{"question": "What is\n$2 + 3$?", "gold": "7", "text": "x"}], toy_task
    )

    problem = read_problems(run, "toy")["x1"]
    assert (problem.target.text, problem.messages[-1]["content"]) == ("5", "What is $2+3$?")
    assert read_manifest(run)["tasks"]["toy"]["grader"] == "qwen-math"


def test_import_of_a_part_of_a_task_says_so(tmp_path: Path, toy_task: str) -> None:
    """The manifest counts the problems that the file covers beside those of the task."""
    run = import_rows(tmp_path, [{"id": "x2", "text": "x"}], toy_task)

    entry = read_manifest(run)["tasks"]["toy"]
    assert (entry["num_planned"], entry["num_problems"]) == (1, 4)
    assert list(read_problems(run, "toy")) == ["x2"]


@pytest.mark.parametrize(
    "row",
    [
        {"id": "x2"},
        {"id": "x2", "gold": "8.0"},
        {"id": "x2", "question": "Add 4 and 4.", "gold": "8"},
        {"id": "x2", "question": "Be brief. What is $4+4$? Box it."},
        {"question": "Be brief. What is $4+4$? Box it.", "gold": "It is \\boxed{8}"},
        {"id": "x3", "question": "What is $4+4$?"},
    ],
    ids=[
        "id",
        "id and gold",
        "id, gold, other words",
        "id and prompt",
        "prompt",
        "question before id",
    ],
)
def test_row_is_matched_with_a_problem(tmp_path: Path, toy_task: str, row: dict[str, Any]) -> None:
    """By question, by a confirmed id, or by the question within a longer prompt."""
    run = import_rows(tmp_path, [{**row, "text": "x"}], toy_task)

    assert placed(run, "toy") == [("x2", 0, "x")]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "y9", "question": "What is $9+9$?"}, "of task toy .* id 'y9'"),
        (
            {"id": "x2", "gold": "5"},
            r"found id 'x2', gold '5', .* the task has '8' and 'What is \$4",
        ),
        ({"id": "x2", "question": "What is $9+9$?", "gold": "18"}, "the task has '8'"),
        ({"question": "Be brief. What is $4+4$?", "gold": "5"}, "no problem of task toy"),
        ({"question": "What is $4+4$? What is $1+1$?"}, "no problem of task toy"),
        ({"id": "0", "gold": "5"}, "no problem of task toy"),
    ],
    ids=[
        "unknown",
        "other gold",
        "other problem",
        "prompt, other gold",
        "two questions",
        "one row number",
    ],
)
def test_row_that_matches_no_problem_is_refused(
    tmp_path: Path, toy_task: str, row: dict[str, Any], message: str
) -> None:
    """The error names the row and what the task has; nothing is dropped or written."""
    with pytest.raises(DataError, match=f"line 1: .*{message}"):
        import_rows(tmp_path, [{**row, "text": "x"}], toy_task)
    assert not (tmp_path / "run").exists()


def test_row_numbers_match_where_all_golds_agree(tmp_path: Path, toy_task: str) -> None:
    """Ids 0..N-1 are rows of the task, in whatever order the file has them."""
    rows = [
        {"id": n, "gold": gold, "text": gold}
        for n, gold in ((2, "2"), (3, "5"), (0, "5"), (1, "8"))
    ]

    run = import_rows(tmp_path, rows, toy_task)

    assert [problem_id for problem_id, _, _ in placed(run, "toy")] == ["x3", "x4", "x1", "x2"]


def test_row_numbers_of_another_data_set_are_refused(tmp_path: Path, toy_task: str) -> None:
    """One gold that differs is enough: the rows are not those of the task."""
    rows = [{"id": n, "gold": gold, "text": "x"} for n, gold in enumerate(("5", "8", "3", "5"))]

    with pytest.raises(DataError, match="line 3: matches no problem"):
        import_rows(tmp_path, rows, toy_task)


def test_reworded_questions_match_where_all_answers_are_those_of_the_task(
    tmp_path: Path, toy_task: str
) -> None:
    """Copies of AIME differ in wording; answers say which is which, and wording between equal ones."""
    questions = {"Add 4 and 4.": "8", "One plus one?": "2", "A hand has how many fingers?": "5"}
    rows = [
        {"question": question, "gold": gold, "text": "x"}
        for question, gold in [*questions.items(), ("What's $2+3$?", "5")]
    ]

    run = import_rows(tmp_path, rows, toy_task)

    assert [problem_id for problem_id, _, _ in placed(run, "toy")] == ["x2", "x3", "x4", "x1"]


def test_reworded_questions_of_a_part_of_a_task_are_refused(tmp_path: Path, toy_task: str) -> None:
    """Without all answers of the task an equal answer proves nothing."""
    with pytest.raises(DataError, match="no problem of task toy"):
        import_rows(tmp_path, [{"question": "Add 4 and 4.", "gold": "8", "text": "x"}], toy_task)


def test_two_questions_for_one_problem_are_refused(tmp_path: Path, toy_task: str) -> None:
    """Prompts with the same worked example must not all become samples of the example."""
    rows = [{"question": f"What is $4+4$? 8. And {n}+{n}?", "text": "x"} for n in (5, 6)]

    with pytest.raises(
        DataError, match="line 2 and line 1: two questions, but both fit problem 'x2'"
    ):
        import_rows(tmp_path, rows, toy_task)


def test_several_tasks_do_not_fit_one(tmp_path: Path, toy_task: str) -> None:
    """--task names one task; a file of several has to be imported without it."""
    with pytest.raises(UsageError, match=r"several tasks \(sums, products\), but --task"):
        import_file("jsonl", COMPLETIONS, out=tmp_path / "run", task=toy_task)


@pytest.fixture(scope="module")
def shared_dir() -> Path:
    checkout = Path(__file__).parents[1]
    path = Path(os.environ.get("EVALKIT_TEST_DATA") or checkout.parent / "shared" / "data")
    if not (path / "model_outputs").is_dir():
        pytest.skip(f"no model outputs in {path}; EVALKIT_TEST_DATA can name another directory")
    return path


@pytest.mark.data
@pytest.mark.parametrize("task", [None, "math500"])
def test_real_outputs_score_as_published(
    tmp_path: Path, shared_dir: Path, task: str | None
) -> None:
    """2,000 responses of Qwen3-4B-Base: 75.0 to 75.8 % published, 75.4 to 76.6 % when read by people."""
    file = shared_dir / "model_outputs" / "qwen3_4b_base_math500.jsonl"

    run = import_file("jsonl", file, out=tmp_path / "run", task=task, data_dir=shared_dir / "math")

    scored = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["tasks"]["math500"]
    assert 0.75 <= scored["metrics"][0]["value"] <= 0.766
    assert (scored["num_problems"], scored["n"], scored["num_samples"]) == (500, 4, 2000)
    per_problem = Counter(one.problem_id for one in read_samples(run, "math500"))
    assert set(per_problem.values()) == {4}
