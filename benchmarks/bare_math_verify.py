"""Math-Verify called directly, its own time-outs on: rows {gold, response} in, seconds per row out.

usage: python benchmarks/bare_math_verify.py ROWS.jsonl OUT.json
"""

import json
import logging
import sys
import time
from pathlib import Path

from math_verify import parse, verify


def main() -> None:
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text("utf-8").splitlines()]
    logging.disable()
    verify(parse("$x+1$"), parse("$1+x$"))
    seconds, num_correct = [], 0
    for row in rows:
        started = time.perf_counter()
        num_correct += verify(parse(f"${row['gold']}$"), parse(row["response"]))
        seconds.append(time.perf_counter() - started)
    Path(sys.argv[2]).write_text(json.dumps({"seconds": seconds, "num_correct": num_correct}))


if __name__ == "__main__":
    main()
