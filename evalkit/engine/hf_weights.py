"""New weights for a model that stays where it is."""

from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from evalkit.types import EngineError


def update_weights(network: torch.nn.Module, path: Path) -> None:
    """Copies the tensors of all safetensors files in `path` over those of the same names.

    Tied weights are one tensor with several names: one is enough, several must agree. Raises
    EngineError, and changes nothing, where names or shapes are not those of `network`.
    """
    weights = network.state_dict()
    try:
        with ExitStack() as stack:
            files = _open(path, stack)
            _check_names(weights, files, path)
            _check_values(weights, files, path)
            for name, file in files.items():
                weights[name].copy_(file.get_tensor(name))
    except (OSError, SafetensorError) as error:
        raise EngineError(f"cannot read the weights in {path}: {error}") from error


def _open(path: Path, stack: ExitStack) -> dict[str, Any]:
    """The open file of each tensor."""
    files: dict[str, Any] = {}
    for found in sorted(path.glob("*.safetensors")):
        file = stack.enter_context(safe_open(found, framework="pt"))
        for name in file.keys():  # noqa: SIM118
            if name in files:
                raise EngineError(f"{path}: several files have {name}")
            files[name] = file
    return files


def _check_names(weights: Mapping[str, torch.Tensor], files: Mapping[str, Any], path: Path) -> None:
    if strange := sorted(set(files) - set(weights)):
        raise EngineError(f"{path}: the model has no {_listed(strange)}")
    given = {weights[name].data_ptr() for name in files}
    if absent := sorted(name for name in weights if weights[name].data_ptr() not in given):
        raise EngineError(f"{path}: no {_listed(absent)}, which the model has")


def _check_values(
    weights: Mapping[str, torch.Tensor], files: Mapping[str, Any], path: Path
) -> None:
    names_of: defaultdict[int, list[str]] = defaultdict(list)
    for name, file in files.items():
        shape = tuple(file.get_slice(name).get_shape())
        if shape != tuple(weights[name].shape):
            raise EngineError(
                f"{path}: {name} has the shape {shape}, in the model {tuple(weights[name].shape)}"
            )
        names_of[weights[name].data_ptr()].append(name)
    for first, *others in names_of.values():
        for other in others:
            if not torch.equal(files[first].get_tensor(first), files[other].get_tensor(other)):
                raise EngineError(f"{path}: {first} and {other} differ, but the model ties them")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{', '.join(names[:5])}{more}"
