"""A checkpoint as transformers loads it, its tokenizer, and its errors in evalkit's words."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache
from transformers.cache_utils import DynamicLayer
from transformers.utils import logging

from evalkit.types import EngineError

_LOAD_ERRORS = (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError)
_NEEDED = ("attention_mask", "position_ids", "past_key_values", "logits_to_keep")


@dataclass(frozen=True, slots=True)
class HfModel:
    """`eos_ids` are all end tokens, of the tokenizer and of the generation defaults, as in vLLM."""

    network: torch.nn.Module
    tokenizer: Any
    eos_ids: frozenset[int]
    vocab_size: int
    device: torch.device


@contextmanager
def library_errors(*kinds: type[Exception]) -> Iterator[None]:
    """Errors of these kinds, and memory that runs out, as EngineError."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise EngineError(
            f"out of GPU memory; a smaller batch_tokens or max_tokens helps ({_reason(error)})"
        ) from error
    except kinds as error:
        raise EngineError(f"transformers: {_reason(error)}") from error


def load_model(path: Path, dtype: str | None, device: str | None) -> HfModel:
    """Raises EngineError where weights are missing, and for a kind of model that is not supported.

    transformers alone would fill missing weights with random numbers.
    """
    with library_errors(*_LOAD_ERRORS), _no_progress_bar():
        target = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        default = "float32" if target.type == "cpu" else "bfloat16"
        network, report = AutoModelForCausalLM.from_pretrained(
            path, dtype=dtype or default, output_loading_info=True
        )
        tokenizer = AutoTokenizer.from_pretrained(path)
        if missing := sorted(report["missing_keys"]):
            raise EngineError(f"{path}: the weights have no {', '.join(missing[:5])}")
        _check_supported(network)
        network.to(target).requires_grad_(False)
    vocab_size = network.get_input_embeddings().num_embeddings
    return HfModel(network, tokenizer, _eos_ids(network, tokenizer), vocab_size, target)


def _check_supported(network: Any) -> None:
    """Rows can leave and join the cache where every layer keeps keys and values and nothing else."""
    absent = set(_NEEDED) - set(signature(network.forward).parameters)
    layers = DynamicCache(config=network.config).layers
    if absent or not all(isinstance(layer, DynamicLayer) for layer in layers):
        raise EngineError(f"the engine hf does not support {network.config.model_type} models")


def _eos_ids(network: Any, tokenizer: Any) -> frozenset[int]:
    named = network.generation_config.eos_token_id
    ids = named if isinstance(named, list) else [named]
    return frozenset(token for token in (*ids, tokenizer.eos_token_id) if token is not None)


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    was_enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_enabled:
            logging.enable_progress_bar()


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]
