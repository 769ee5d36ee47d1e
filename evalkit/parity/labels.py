"""What a trainer's data would say of an item: its label, and the prompt before its completion."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from evalkit.graders.inline import with_tests
from evalkit.integrations.labels import write_target
from evalkit.parity.items import Item
from evalkit.spec import MATH_GRADERS
from evalkit.types import Answer, CodeTests, Prompt

_DEFAULT_GRADER = next(iter(MATH_GRADERS))


def client_label(item: Item) -> str:
    """For evalkit's own clients, which read the tests of a program where they are stored."""
    target = item.problem.target
    if isinstance(target, Answer):
        return _answer_label(item, target)
    return write_target(target, task=item.sample.task)


def server_label(item: Item) -> str:
    """For the server's endpoints: stored tests are those of a task that it has loaded, or are sent."""
    target = (item.problem if item.sample.task else with_tests(item.problem)).target
    if isinstance(target, Answer):
        return _answer_label(item, target)
    if not isinstance(target, CodeTests):
        return json.dumps({"grader": item.grader, **asdict(target)})
    names = {"task": item.sample.task, "problem_id": target.problem_id}
    return json.dumps({"grader": item.grader, **names, "tests_sha256": target.sha256})


def _answer_label(item: Item, target: Answer) -> str:
    """The text alone where that says everything."""
    is_plain = item.grader == _DEFAULT_GRADER and not target.text.lstrip().startswith("{")
    if is_plain and not (target.rel_tolerance or target.abs_tolerance):
        return target.text
    tolerances = {"rel_tolerance": target.rel_tolerance, "abs_tolerance": target.abs_tolerance}
    return json.dumps({"grader": item.grader, "answer": target.text, **tolerances})


def prompt_text(prompt: str | Sequence[Mapping[str, Any]], *, thinking_opened: bool) -> str:
    """The prompt as text, never empty; messages in ChatML. It ends inside `<think>` where asked to."""
    text = prompt if prompt and isinstance(prompt, str) else _rendered(prompt or ())
    if thinking_opened and not Prompt((), text).opens_thinking:
        text += "<think>\n"
    return text


def _rendered(messages: Any) -> str:
    turns = [f"<|im_start|>{one.get('role')}\n{one.get('content')}<|im_end|>\n" for one in messages]
    return "".join(turns) + "<|im_start|>assistant\n"
