"""Expected values from files: all of the published ones hold, and a wrong one is found."""

import copy
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalkit.train.vectors.checking import CHECKS, CheckedCase, check_vectors
from evalkit.types import DataError

# What the README of the vectors says that there is.
NUM_CASES = {
    "policy_loss": 58,
    "aggregation": 4,
    "micro_batch": 3,
    "advantages": 14,
    "kl": 8,
    "entropy_split": 4,
    "overlong_penalty": 42,
    "group_filter": 6,
    "repetition": 10,
}
INPUTS = {"eps", "c"}


@pytest.fixture(scope="module")
def checked(vectors_file: Path) -> list[CheckedCase]:
    return check_vectors(vectors_file)


@pytest.mark.data
def test_every_kind_of_vector_is_checked(checked: list[CheckedCase]) -> None:
    """No case is passed over, and each is compared in something."""
    assert Counter(case.kind for case in checked) == NUM_CASES
    assert [case.name for case in checked if not case.comparisons] == []


@pytest.mark.data
@pytest.mark.parametrize("kind", CHECKS)
def test_vectors_hold(checked: list[CheckedCase], kind: str) -> None:
    """Every published value, within the tolerances of their README."""
    cases = [case for case in checked if case.kind == kind]

    assert [(case.name, case.failures) for case in cases if case.failures] == []


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all numbers below a value."""
    if isinstance(value, dict):
        for key in value.keys() - INPUTS:
            yield from leaves(value[key], (*path, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from leaves(one, (*path, index))
    elif not isinstance(value, str):
        yield path


def altered(case: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """A copy of a case, one number of which is another."""
    changed = copy.deepcopy(case)
    *above, last = path
    parent = changed
    for key in above:
        parent = parent[key]
    parent[last] = (not parent[last]) if isinstance(parent[last], bool) else parent[last] + 1
    return changed


@pytest.mark.data
@pytest.mark.parametrize("name", ["aspo_single_token", "grpo_single_token", "micro_batch_2"])
def test_a_wrong_value_is_found_wherever_it_is(
    vectors_file: Path, tmp_path: Path, name: str
) -> None:
    """Each expected number of a published case is compared with something."""
    content = json.loads(vectors_file.read_text())
    ((kind, case),) = (
        (kind, case)
        for kind in CHECKS
        for case in content[kind]
        if case.get("id") == f"shared/{name}"
    )
    paths = [
        (section, *path)
        for section in ("expected", "paper_v2")
        if section in case
        for path in leaves(case[section])
        if "tokens_where_reference_gradient_differs" not in path
    ]
    cases = [altered(case, path) for path in paths]
    found = check_vectors(written(tmp_path, {kind: cases}))

    missed = [path for path, one in zip(paths, found, strict=True) if not one.failures]
    assert missed == []
    assert len(paths) > 10


# Worked out by hand.
SMALL: dict[str, list[dict[str, Any]]] = {
    "aggregation": [
        {
            "inputs": {"loss_mat": [[1.0, 3.0], [5.0, 7.0]], "mask": [[1, 1], [1, 0]]},
            "expected": {
                "token-mean": 3.0,
                "seq-mean-token-sum": 4.5,
                "seq-mean-token-mean": 3.5,
                "seq-mean-token-sum-norm": 4.5,
            },
            "expected_excluding_empty_rows": {
                "token-mean": 3.0,
                "seq-mean-token-sum": 4.5,
                "seq-mean-token-mean": 3.5,
                "seq-mean-token-sum-norm": 2.25,
            },
        }
    ],
    "advantages": [
        {
            "estimator": "dr_grpo",
            "inputs": {
                "scores": [1, 0],
                "group": ["a", "a"],
                "lengths": [1, 2],
                "response_length": 2,
            },
            "expected": {"per_sequence": [0.5, -0.5], "advantages": [[0.5, 0], [-0.5, -0.5]]},
        }
    ],
    "kl": [
        {
            "estimator": "k2",
            "inputs": {"log_prob": [[-1.0]], "ref_log_prob": [[-3.0]]},
            "expected": {"kl": [[2.0]], "grad_log_prob": [[2.0]]},
        }
    ],
    "entropy_split": [
        {
            "quantile": 0.5,
            "inputs": {"entropy": [[1.0, 2.0]], "response_mask": [[1, 1]]},
            "expected": {
                "threshold_per_sequence": [1.5],
                "low_entropy_mask": [[1, 0]],
                "high_entropy_mask": [[0, 1]],
            },
        }
    ],
    "group_filter": [
        {"rewards": [1, 1], "expected": {"kept": False, "solve_none": False, "solve_all": True}}
    ],
    "repetition": [
        {
            "text": "a a a",
            "ngram_size": 1,
            "expected": {"repetition_ratio": 2 / 3, "maximum_frequency": 3},
        }
    ],
}


def written(folder: Path, sections: dict[str, Any]) -> Path:
    path = folder / "vectors.json"
    path.write_text(json.dumps({"format_version": 1, **sections}))
    return path


def test_values_worked_out_by_hand_hold(tmp_path: Path) -> None:
    """Where the published file is absent, these are compared."""
    found = check_vectors(written(tmp_path, SMALL))

    assert [(case.kind, case.failures) for case in found if case.failures] == []
    assert [case.kind for case in found] == list(SMALL)


@pytest.mark.parametrize("kind", SMALL)
def test_a_wrong_value_is_found(tmp_path: Path, kind: str) -> None:
    """Each expected number, of each kind."""
    (case,) = SMALL[kind]
    sections = [name for name in case if name.startswith("expected")]
    paths = [(name, *path) for name in sections for path in leaves(case[name])]

    found = check_vectors(written(tmp_path, {kind: [altered(case, path) for path in paths]}))

    assert [path for path, one in zip(paths, found, strict=True) if not one.failures] == []


def test_a_result_of_another_shape_is_wrong(tmp_path: Path) -> None:
    """It is not stretched until it fits."""
    (case,) = copy.deepcopy(SMALL["kl"])
    case["expected"]["kl"] = 2.0

    (found,) = check_vectors(written(tmp_path, {"kl": [case]}))

    assert [one.what for one in found.failures] == ["penalty"]


def kl_with(**fields: Any) -> dict[str, Any]:
    return {"kl": [{"id": "mine", **SMALL["kl"][0], **fields}]}


POLICY: dict[str, Any] = {
    "id": "mine",
    "algorithm": "grpo",
    "dtype": "float64",
    "config": {"clip_ratio_low": 0.2, "clip_ratio_high": 0.2, "clip_ratio_c": 3.0},
    "inputs": {
        "log_prob": [[-1.0]],
        "old_log_prob": [[-1.0]],
        "advantages": [[1.0]],
        "response_mask": [[1]],
    },
}
ARCHER1: dict[str, Any] = {
    "algorithm": "archer1",
    "config": {
        "low_entropy_clip_ratio_low": 0.2,
        "low_entropy_clip_ratio_high": 0.2,
        "high_entropy_clip_ratio_low": 0.5,
        "high_entropy_clip_ratio_high": 0.5,
        "clip_ratio_c": 3.0,
    },
}


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({}, "holds no case"),
        ({"format_version": 2}, "has format_version 2; known: 1"),
        ({"losses": []}, "unknown kind 'losses'; known: policy_loss, aggregation, "),
        ({"kl": {}}, "kl is not a list of objects"),
        ({"kl": [{}]}, "kl #0: has no field estimator"),
        (kl_with(estimator="k4"), "kl mine: estimator is 'k4'; known: k1, k2, k3, abs"),
        (kl_with(estimator=3), "kl mine: estimator is 3, not a text"),
        (kl_with(inputs={}), "kl mine: has no field inputs.log_prob"),
        (kl_with(inputs={"log_prob": [[1], [1, 2]]}), "inputs.log_prob holds no rectangle of"),
        (kl_with(inputs={"log_prob": "low"}), "inputs.log_prob holds no rectangle of numbers"),
        (
            kl_with(inputs={"log_prob": [1, 2], "ref_log_prob": [1, 2, 3]}),
            "kl mine: The size of tensor a",
        ),
        ({"repetition": [{"text": "a", "ngram_size": 0.5}]}, "ngram_size is 0.5, not a positive"),
        ({"repetition": [{"text": "a", "ngram_size": [1]}]}, "ngram_size is not one number"),
        ({"policy_loss": [{**POLICY, "dtype": "int8"}]}, "dtype is 'int8'; known: float64, "),
        ({"policy_loss": [{**POLICY, "algorithm": "ppo"}]}, "algorithm is 'ppo'; known: archer1, "),
        (
            {"policy_loss": [{**POLICY, "config": {"clip": 1}}]},
            "unknown bound 'clip'; known: clip_",
        ),
        ({"policy_loss": [{**POLICY, "config": 1}]}, "policy_loss mine: config is not an object"),
        ({"policy_loss": [POLICY]}, "policy_loss mine: has no field expected.per_token_loss"),
        ({"policy_loss": [{**POLICY, **ARCHER1}]}, "policy_loss mine: an algorithm with high_"),
    ],
)
def test_a_file_that_is_not_of_the_format_is_an_error(
    tmp_path: Path, sections: dict[str, Any], message: str
) -> None:
    """The message says which case and what in it."""
    with pytest.raises(DataError) as error:
        check_vectors(written(tmp_path, sections))

    assert message in str(error.value)


def test_a_file_that_is_not_json_is_an_error(tmp_path: Path) -> None:
    """Also one that holds no object."""
    path = tmp_path / "vectors.json"
    path.write_text("{")
    with pytest.raises(DataError, match="is not JSON"):
        check_vectors(path)
    path.write_text("[]")
    with pytest.raises(DataError, match="has format_version None"):
        check_vectors(path)
