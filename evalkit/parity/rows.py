"""One row of a trainer's log, or of anybody's file of completions, as an item."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from evalkit.grading import sample_of
from evalkit.integrations.labels import Label, read_label
from evalkit.integrations.messages import Completion, text_of
from evalkit.parity.items import Item, Outcome, recorded_outcome
from evalkit.parity.labels import prompt_text
from evalkit.report.importers import first_of
from evalkit.spec import GRADERS
from evalkit.types import DataError, EvalkitError, Problem, Prompt, Verdict, unknown

FIELDS: Mapping[str, tuple[str, ...]] = {
    "completion": ("completion", "response", "solution_str", "output"),
    "target": ("target", "answer", "gold", "label", "ground_truth", "gts"),
    "reward": ("score", "scores", "reward", "rewards"),
    "problem_id": ("problem_id", "id", "question_id"),
    "prompt": ("prompt", "input"),
}
"""Of alternatives the first that is not null counts."""

_NESTED = ("extra_info", "reward_model")
"""Objects in verl's rows whose fields count as those of the row, where it has none of the name."""

_TOLERANCES = ("rel_tolerance", "abs_tolerance")


@dataclass(frozen=True, slots=True)
class RowForm:
    """How rows are read. Raises UsageError for a field or a grader that does not exist.

    `fields` says which field of a row has its completion, target, reward, problem_id or prompt, and
    `scores` which score a reward stands for; other rewards stand for themselves. `grader` and
    `thinking_opened` are for rows that do not say.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    scores: Mapping[float, float] = field(default_factory=dict)
    grader: str | None = None
    thinking_opened: bool = False

    def __post_init__(self) -> None:
        if self.grader is not None and self.grader not in GRADERS:
            raise unknown("grader", self.grader, list(GRADERS))
        for name in self.fields:
            if name not in FIELDS:
                raise unknown("field", name, list(FIELDS))

    def item(self, where: str, row: Mapping[str, Any]) -> Item:
        """Raises DataError for a row without a completion or a target, or with a strange reward."""
        values = _flat(row)
        label = self._label(where, values)
        prompt = self._prompt(where, values)
        opened = bool(values.get("thinking_opened", self.thinking_opened)) or (
            isinstance(prompt, str) and Prompt((), prompt).opens_thinking
        )
        found_id = self._find(values, "problem_id")
        problem_id = "" if found_id is None else str(found_id)
        sample = replace(
            sample_of(self._completion(where, values)),
            task=label.task,
            problem_id=problem_id,
            finish_reason=values.get("finish_reason"),
            thinking_opened=opened,
        )
        return Item(
            where=where,
            problem=Problem(problem_id, (), label.target),
            sample=sample,
            grader=label.grader,
            prompt=prompt_text(prompt, thinking_opened=opened),
            logged=self._logged(where, values),
        )

    def _find(self, values: Mapping[str, Any], name: str) -> Any:
        return first_of(values, self._names(name))

    def _names(self, name: str) -> tuple[str, ...]:
        return (self.fields[name],) if name in self.fields else FIELDS[name]

    def _required(self, where: str, values: Mapping[str, Any], name: str) -> Any:
        found = self._find(values, name)
        if found is None:
            raise DataError(
                f"{where}: no {name}: expected {' or '.join(self._names(name))}, found "
                f"{', '.join(values)}; --fields {name}=NAME tells which field has it"
            )
        return found

    def _completion(self, where: str, values: Mapping[str, Any]) -> str:
        found = self._required(where, values, "completion")
        return text_of(_checked_text(f"{where}: the completion", found))

    def _prompt(self, where: str, values: Mapping[str, Any]) -> Completion:
        found = self._find(values, "prompt")
        return _checked_text(f"{where}: the prompt", "" if found is None else found)

    def _label(self, where: str, values: Mapping[str, Any]) -> Label:
        found = self._required(where, values, "target")
        if not isinstance(found, str | int | float | Mapping):
            raise DataError(f"{where}: the target must be a text or an object, not {found!r:.80}")
        tolerances = {name: values.get(name) or 0.0 for name in _TOLERANCES}
        try:
            return read_label(found, grader=values.get("grader") or self.grader, **tolerances)
        except EvalkitError as error:
            raise DataError(f"{where}: {error}") from error

    def _logged(self, where: str, values: Mapping[str, Any]) -> Outcome | None:
        names = [name for name in self._names("reward") if name in values]
        if not names:
            return None
        found = self._find(values, "reward")
        is_error = values.get("grader_error") or values.get("verdict") == Verdict.GRADER_ERROR
        score = None if is_error else self._score(f"{where}: {names[0]}", found)
        is_verdict = values.get("verdict") in list(Verdict)
        return recorded_outcome(values if is_verdict else {}, score)

    def _score(self, place: str, reward: Any) -> float | None:
        """None and NaN, which is what TRL makes of None, are no score."""
        value = reward[0] if isinstance(reward, list) and len(reward) == 1 else reward
        if value is None:
            return None
        if not isinstance(value, int | float) or math.isinf(value):
            raise DataError(f"{place}: the reward {reward!r:.80} is not a finite number")
        return None if math.isnan(value) else self.scores.get(float(value), float(value))


def _checked_text(what: str, value: Any) -> Completion:
    is_chat = isinstance(value, list) and all(isinstance(one, Mapping) for one in value)
    if not (isinstance(value, str) or is_chat):
        raise DataError(f"{what} must be a text or chat messages, not {value!r:.80}")
    found: Completion = value
    return found


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    nested = [row[name] for name in _NESTED if isinstance(row.get(name), Mapping)]
    return {name: value for one in (*nested, row) for name, value in one.items()}
