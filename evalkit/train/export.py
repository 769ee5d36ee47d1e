"""The policy as a Hugging Face directory: for users, and for the engine that samples from it."""

import json
import shutil
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from evalkit.train.policy import Policy

_NOT_COPIED = (
    "config.json",
    "generation_config.json",
    "model.safetensors.index.json",
    "adapter_config.json",
    "complete.json",
)
_COPIED = ("*.json", "*.jinja", "*.model", "*.txt", "*.tiktoken")


def write_model(policy: Policy, start: Path, path: Path) -> None:
    """An ordinary checkpoint with the tokenizer and the generation settings of `start`."""
    for file in _beside_weights(start):
        shutil.copyfile(file, path / file.name)
    write_weights(policy, path)
    if (start / "generation_config.json").exists():
        shutil.copyfile(start / "generation_config.json", path / "generation_config.json")


def write_weights(policy: Policy, path: Path, *, untie: bool = False) -> None:
    """Config and weights in one file, over those that are there.

    With `untie` a head that is tied to the embeddings is written as a matrix of its own, and the
    config says so: `reload_weights` of vLLM 0.32 on a CPU renews only one of two tied matrices.
    """
    weights = dict(policy.weights())
    head = weights.pop(policy.head_name) if policy.is_tied else None
    policy.save(path, weights)
    changes: dict[str, object] = {"dtype": str(policy.dtype).removeprefix("torch.")}
    if untie and head is not None:
        _add_shard(path, policy.head_name, head)
        changes["tie_word_embeddings"] = False
    _change_json(path / "config.json", changes)


def _add_shard(path: Path, name: str, value: Tensor) -> None:
    """Makes the one file of weights the first of two."""
    first, second = (f"model-{number:05d}-of-00002.safetensors" for number in (1, 2))
    (path / "model.safetensors").rename(path / first)
    save_file({name: value}, path / second, {"format": "pt"})
    with safe_open(path / first, framework="pt") as file:
        files = {**dict.fromkeys(file.keys(), first), name: second}
    index = {"metadata": {}, "weight_map": files}
    (path / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def _beside_weights(path: Path) -> list[Path]:
    found = {file for pattern in _COPIED for file in path.glob(pattern)}
    return sorted(file for file in found if file.name not in _NOT_COPIED)


def _change_json(path: Path, changes: dict[str, object]) -> None:
    values = json.loads(path.read_text(encoding="utf-8"))
    values.pop("torch_dtype", None)
    path.write_text(json.dumps({**values, **changes}, indent=2) + "\n", encoding="utf-8")
