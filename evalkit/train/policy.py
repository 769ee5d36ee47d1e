"""The model that is trained: float32 master weights, passes in `dtype`, optionally through LoRA."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from evalkit.train.batches import Batch
from evalkit.train.token_log_probs import TokenLogProbs, token_log_probs
from evalkit.types import ModelError

_SELF_TEST_TOKENS = 16


class Policy:
    """A causal language model from a checkpoint directory.

    Raises ModelError for one that cannot be trained: fewer embeddings than the tokenizer has
    tokens, or a head that is not one matrix (its logits are then not hidden @ head.T).
    """

    def __init__(
        self,
        path: Path,
        *,
        dtype: torch.dtype,
        gradient_checkpointing: bool = False,
        lora_rank: int = 0,
        lora_alpha: float = 32.0,
        seed: int = 0,
    ) -> None:
        """`seed` is for the adapters' first values."""
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.dtype = dtype
        self._model = _load(path).to(self.device)
        self._check_vocabulary(path)
        self._check_head(path)
        if lora_rank:
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                self._model = _with_lora(self._model, lora_rank, lora_alpha)
        if gradient_checkpointing:
            self._model.gradient_checkpointing_enable({"use_reentrant": False})
            self._model.enable_input_require_grads()
        self._model.train(gradient_checkpointing)  # transformers checkpoints in this mode only

    def freeze(self) -> Self:
        """For a reference: no gradients, and no master weights beside those in `dtype`."""
        self._model.requires_grad_(False).to(self.dtype)
        return self

    def parameters(self) -> list[nn.Parameter]:
        """Those that are trained."""
        return [one for one in self._model.parameters() if one.requires_grad]

    def trained_state(self) -> dict[str, Tensor]:
        """The parameters that are trained, by name, as they are (not copies)."""
        return {k: v.data for k, v in self._model.named_parameters() if v.requires_grad}

    def load_trained_state(self, state: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, value in self.trained_state().items():
                value.copy_(state[name])

    @property
    def is_tied(self) -> bool:
        """Whether the head is the embedding matrix."""
        model = self._inner()
        return model.get_output_embeddings().weight is model.get_input_embeddings().weight

    @property
    def head_name(self) -> str:
        """Of the head's matrix among the weights."""
        head = self._inner().get_output_embeddings()
        modules = self._inner().named_modules()
        return next(f"{name}.weight" for name, module in modules if module is head)

    def save(self, path: Path, weights: dict[str, Tensor]) -> None:
        """Writes `weights` in one file, under the names that the architecture's checkpoints use."""
        self._inner().save_pretrained(path, state_dict=weights, max_shard_size="10TB")

    def score(
        self, batch: Batch, *, temperature: float, entropy_temperature: float | None = None
    ) -> TokenLogProbs:
        """Of the completions' tokens, (N,) in the batch's order; entropies only where asked for."""
        model = self._inner()
        with self._autocast():
            output = model.base_model(input_ids=batch.input_ids.to(self.device), use_cache=False)
        hidden = output.last_hidden_state[batch.rows, batch.predecessors]  # (N, H)
        head = model.get_output_embeddings().weight
        return token_log_probs(
            hidden.to(self.dtype),
            head,
            batch.targets.to(self.device),
            temperature=temperature,
            entropy_temperature=entropy_temperature,
        )

    def without_adapters(self) -> AbstractContextManager[Any]:
        """Within it, a policy with LoRA is the model that training started from."""
        return self._model.disable_adapter() if self.has_adapters else nullcontext()

    @property
    def has_adapters(self) -> bool:
        return hasattr(self._model, "peft_config")

    @property
    def num_bytes(self) -> int:
        """Of the weights in `dtype`."""
        num_weights: int = sum(one.numel() for one in self._inner().parameters())
        return num_weights * self.dtype.itemsize

    def weights(self) -> Iterator[tuple[str, Tensor]]:
        """Names and values of a plain checkpoint, adapters merged, in `dtype`, on the CPU."""
        modules = dict(self._inner().named_modules())
        for name, value in self._inner().state_dict().items():
            if ".lora_" in name:
                continue
            module = modules[name.rpartition(".")[0].removesuffix(".base_layer")]
            if ".base_layer.weight" in name:
                value = value + module.get_delta_weight("default")
            plain = name.replace(".base_layer.", ".")
            yield plain, value.detach().to("cpu", self.dtype).contiguous()

    def _inner(self) -> Any:
        return self._model.base_model.model if self.has_adapters else self._model

    def _autocast(self) -> AbstractContextManager[Any]:
        if self.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)

    def _check_vocabulary(self, path: Path) -> None:
        from transformers import AutoTokenizer

        num_tokens = len(AutoTokenizer.from_pretrained(path))
        num_rows = len(self._model.get_input_embeddings().weight)
        if num_tokens > num_rows:
            raise ModelError(
                f"{path}: the tokenizer has {num_tokens} tokens, the model embeddings for {num_rows}"
            )

    @torch.no_grad()
    def _check_head(self, path: Path) -> None:
        """In float32, so that nothing but another head explains a difference."""
        ids = torch.arange(_SELF_TEST_TOKENS, device=self.device)[None]
        hidden = self._model.base_model(input_ids=ids, use_cache=False).last_hidden_state
        expected = self._model(input_ids=ids, use_cache=False).logits.float()
        found = hidden @ self._model.get_output_embeddings().weight.T
        if not torch.allclose(found, expected, rtol=1e-3, atol=1e-3):
            raise ModelError(
                f"{path}: {type(self._model).__name__} changes its logits after the output layer; "
                f"such models cannot be trained here"
            )


def _load(path: Path) -> Any:
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            path, dtype=torch.float32, output_loading_info=True
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise ModelError(f"{path}: cannot load the model ({reason})") from error
    if missing := sorted(report["missing_keys"]):
        raise ModelError(f"{path}: the weights have no {', '.join(missing[:5])}")
    # No dropout: the ratio of a token whose model was not updated has to be 1.
    for module in model.modules():
        for name in ("p", "attention_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    return model


def _with_lora(model: Any, rank: int, alpha: float) -> Any:
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules="all-linear", lora_dropout=0.0)
    return get_peft_model(model, config)
