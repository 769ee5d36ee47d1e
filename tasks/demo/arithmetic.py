"""The demo tasks: chains of two to five whole-number operations, every value within 1..99.

It makes problems and demonstrations; it does not grade. Run it to rewrite `arithmetic.jsonl`, which
is evaluated, and `training.jsonl`, which is trained on; they share no problem.
"""

import json
import random
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

MAX_VALUE = 99
MAX_ADDEND = 30
MAX_FACTOR = 9
NUM_OPERATIONS = range(2, 6)
WORDS = {"+": "Add", "-": "Subtract", "*": "Multiply by"}
SIGNS = {word: sign for sign, word in WORDS.items()}

EVALUATION_SEED = 0
NUM_EVALUATION_PROBLEMS = 200
EVALUATION_PATH = Path(__file__).with_name("arithmetic.jsonl")
TRAINING_SEED = 1
NUM_TRAINING_PROBLEMS = 1000
TRAINING_PATH = Path(__file__).with_name("training.jsonl")

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    left: int
    sign: str
    right: int
    result: int


def evaluation_problems() -> list[Row]:
    return generate(EVALUATION_SEED, NUM_EVALUATION_PROBLEMS)


def training_problems(seed: int, num: int) -> list[Row]:
    """Distinct problems, none of which is an evaluation problem."""
    return generate(seed, num, exclude={row["question"] for row in evaluation_problems()})


def generate(seed: int, num: int, *, exclude: Set[str] = frozenset()) -> list[Row]:
    """Rows of id, question and answer with distinct questions; equal seeds give equal rows."""
    rng = random.Random(seed)
    questions: dict[str, None] = {}
    while len(questions) < num:
        question = draw_question(rng)
        if question not in exclude:
            questions[question] = None
    return [
        {"id": str(index), "question": question, "answer": str(steps(question)[-1].result)}
        for index, question in enumerate(questions)
    ]


def solution(question: str) -> str:
    """The demonstration, such as `25*3=75;75-5=70;\\boxed{70}`."""
    return render(steps(question))


def render(chain: list[Step]) -> str:
    equations = [f"{step.left}{step.sign}{step.right}={step.result};" for step in chain]
    return "".join(equations) + f"\\boxed{{{chain[-1].result}}}"


def steps(question: str) -> list[Step]:
    start, *operations = question.removesuffix(".").split(". ")
    value = int(start.removeprefix("Start with "))
    chain = []
    for operation in operations:
        word, right = operation.rsplit(" ", 1)
        result = apply(value, SIGNS[word], int(right))
        chain.append(Step(value, SIGNS[word], int(right), result))
        value = result
    return chain


def draw_question(rng: random.Random) -> str:
    value = rng.randint(1, MAX_VALUE)
    sentences = [f"Start with {value}."]
    for _ in range(rng.choice(NUM_OPERATIONS)):
        sign = rng.choice([sign for sign in WORDS if operands(value, sign)])
        right = rng.choice(operands(value, sign))
        sentences.append(f"{WORDS[sign]} {right}.")
        value = apply(value, sign, right)
    return " ".join(sentences)


def operands(value: int, sign: str) -> range:
    """The operands that keep the result within 1..MAX_VALUE."""
    if sign == "+":
        return range(1, min(MAX_ADDEND, MAX_VALUE - value) + 1)
    if sign == "-":
        return range(1, min(MAX_ADDEND, value - 1) + 1)
    return range(2, min(MAX_FACTOR, MAX_VALUE // value) + 1)


def apply(left: int, sign: str, right: int) -> int:
    if sign == "+":
        return left + right
    if sign == "-":
        return left - right
    return left * right


def main() -> None:
    write(EVALUATION_PATH, evaluation_problems())
    write(TRAINING_PATH, training_problems(TRAINING_SEED, NUM_TRAINING_PROBLEMS))


def write(path: Path, rows: list[Row]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    main()
