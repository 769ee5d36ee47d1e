"""Judges programs with the official LiveCodeBench harness; run by code_speed.py, in its checkout.

usage: python official_harness.py PROBLEMS.jsonl PROGRAMS.jsonl OUT.jsonl
"""

import base64
import contextlib
import io
import json
import pickle
import sys
import zlib
from pathlib import Path

from lcb_runner.evaluation.compute_code_generation_metrics import codegen_metrics

NUM_PROCESSES = 2


def main(problems: str, programs: str, out: str) -> None:
    samples = {}
    for row in map(json.loads, Path(problems).read_text().splitlines()):
        samples[row["question_id"]] = _sample(row)
    rows = [json.loads(line) for line in Path(programs).read_text().splitlines()]
    with contextlib.redirect_stdout(io.StringIO()):
        _, results, _ = codegen_metrics(
            [samples[row["question_id"]] for row in rows],
            [[row["code"]] for row in rows],
            k_list=[1],
            num_process_evaluate=NUM_PROCESSES,
            timeout=6,
        )
    with Path(out).open("w") as stream:
        for number, row in enumerate(rows):
            outcomes = results[number][0]
            is_correct = all(outcome > 0 for outcome in outcomes)
            verdict = {"id": row["id"], "is_correct": is_correct, "num_run": len(outcomes)}
            stream.write(json.dumps(verdict) + "\n")


def _sample(row: dict) -> dict:
    private = row["private_test_cases"]
    if not private.startswith("["):
        private = pickle.loads(zlib.decompress(base64.b64decode(private)))
    tests = json.loads(row["public_test_cases"]) + json.loads(private)
    inputs_outputs = {
        "inputs": [test["input"] for test in tests],
        "outputs": [test["output"] for test in tests],
        "fn_name": json.loads(row["metadata"]).get("func_name"),
    }
    return {"input_output": json.dumps(inputs_outputs)}


if __name__ == "__main__":
    main(*sys.argv[1:])
