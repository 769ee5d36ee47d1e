"""The model that is trained: its scores, what it refuses, and the checkpoints that it writes."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor
from training_parts import DEMO, NUM_TOKENS, make_sequences, write_checkpoint
from transformers import AutoModelForCausalLM

from evalkit.train.batches import Batch, TokenSequence
from evalkit.train.export import write_model, write_weights
from evalkit.train.policy import Policy
from evalkit.train.scoring import score_all
from evalkit.types import ModelError

SEQUENCES = make_sequences((3, 5), (1, 9), (6, 1))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Path]:
    """A checkpoint whose head is tied to the embeddings, and one whose head is not."""
    root = tmp_path_factory.mktemp("models")
    paths = {tied: write_checkpoint(root / f"tied-{tied}", tied=tied) for tied in (True, False)}
    return paths.__getitem__


def plain_scores(path: Path, sequence: TokenSequence, temperature: float) -> Tensor:
    """Of transformers alone: the log-probability of each token of the completion."""
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    ids = torch.tensor([sequence.prompt_ids + sequence.completion_ids])
    with torch.no_grad():
        log_probs = (model(ids).logits[0] / temperature).log_softmax(-1)
    start = len(sequence.prompt_ids)
    return log_probs[start - 1 : -1].gather(1, ids[0, start:, None]).squeeze(1)


def score(policy: Policy, temperature: float = 1.0) -> Tensor:
    with torch.no_grad():
        return policy.score(Batch.of(SEQUENCES), temperature=temperature).log_prob


def perturb(policy: Policy) -> None:
    """Every trained parameter, as after an update."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for one in policy.parameters():
            one += 0.05 * torch.randn(one.shape, generator=generator)


@pytest.mark.parametrize("temperature", [1.0, 0.6])
@pytest.mark.parametrize("tied", [True, False])
def test_scores_are_those_of_transformers(
    models: Callable[[bool], Path], tied: bool, temperature: float
) -> None:
    """One sequence at a time and without padding gives the same as a batch."""
    path = models(tied)

    found = score(Policy(path, dtype=torch.float32), temperature)

    expected = torch.cat([plain_scores(path, one, temperature) for one in SEQUENCES])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_padding_and_company_change_nothing(models: Callable[[bool], Path]) -> None:
    """A sequence alone has the scores that it has beside longer ones."""
    policy = Policy(models(False), dtype=torch.float32)

    with torch.no_grad():
        alone = [policy.score(Batch.of([one]), temperature=1.0).log_prob for one in SEQUENCES]

    torch.testing.assert_close(torch.cat(alone), score(policy), rtol=1e-5, atol=1e-5)


def test_all_scores_are_in_the_order_of_their_sequences(models: Callable[[bool], Path]) -> None:
    """However they are batched; the entropies are at temperature 1 whatever that of sampling is."""
    policy = Policy(models(False), dtype=torch.float32)

    found, plain = (
        score_all(policy, SEQUENCES, temperature=temperature, budget=10)
        for temperature in (0.6, 1.0)
    )

    for one, log_probs in zip(SEQUENCES, found.log_probs, strict=True):
        expected = plain_scores(models(False), one, 0.6)
        torch.testing.assert_close(log_probs, expected, rtol=1e-5, atol=1e-5)
    for at_another, at_one in zip(found.entropies, plain.entropies, strict=True):
        assert torch.equal(at_another, at_one)


def test_bfloat16_passes_have_float32_weights(models: Callable[[bool], Path]) -> None:
    """The scores are near those of float32; what the optimizer changes and sees is float32."""
    policy = Policy(models(False), dtype=torch.bfloat16)

    policy.score(Batch.of(SEQUENCES), temperature=1.0).log_prob.sum().backward()

    assert {one.dtype for one in policy.parameters()} == {torch.float32}
    assert {one.grad.dtype for one in policy.parameters() if one.grad is not None} == {
        torch.float32
    }
    exact = score(Policy(models(False), dtype=torch.float32))
    assert (score(policy) - exact).abs().mean() < 0.05


def test_fewer_embeddings_than_tokens_are_refused(tmp_path: Path) -> None:
    """The tokenizer could give ids that the model does not have."""
    path = write_checkpoint(tmp_path / "model", num_rows=NUM_TOKENS - 1)

    with pytest.raises(ModelError, match="has 309 tokens, the model embeddings for 308"):
        Policy(path, dtype=torch.float32)


def test_more_embeddings_than_tokens_are_fine(tmp_path: Path) -> None:
    """Many checkpoints round them up."""
    path = write_checkpoint(tmp_path / "model", num_rows=NUM_TOKENS + 3)

    assert score(Policy(path, dtype=torch.float32)).isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("granite", {"logits_scaling": 2.0}),
        ("gemma2", {"final_logit_softcapping": 3.0}),
        ("cohere", {"logit_scale": 0.0625}),
    ],
)
def test_a_head_that_is_not_one_matrix_is_refused(
    tmp_path: Path, kind: str, more: dict[str, float], dtype: torch.dtype
) -> None:
    """Scaled and capped logits are not hidden @ head.T."""
    path = write_checkpoint(tmp_path / "model", kind, **more)

    with pytest.raises(ModelError, match="changes its logits after the output layer"):
        Policy(path, dtype=dtype)


def test_rounding_is_no_reason_to_refuse_a_model(tmp_path: Path) -> None:
    """Twelve layers in bfloat16 are further from float32 than a weak cap is from none."""
    path = write_checkpoint(tmp_path / "model", num_hidden_layers=12, initializer_range=0.5)

    assert score(Policy(path, dtype=torch.bfloat16)).isfinite().all()


def test_weights_that_are_missing_are_refused(tmp_path: Path) -> None:
    """transformers would put random numbers in their place."""
    from safetensors.torch import load_file, save_file

    path = write_checkpoint(tmp_path / "model")
    weights = load_file(path / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, path / "model.safetensors", {"format": "pt"})

    with pytest.raises(ModelError, match=r"model\.layers\.1\.mlp\.up_proj\.weight"):
        Policy(path, dtype=torch.float32)


@pytest.mark.parametrize("lora_rank", [0, 4])
@pytest.mark.parametrize("tied", [True, False])
def test_a_checkpoint_has_the_scores_of_its_policy(
    models: Callable[[bool], Path], tmp_path: Path, tied: bool, lora_rank: int
) -> None:
    """transformers alone loads it to the same scores; adapters are merged."""
    policy = Policy(models(tied), dtype=torch.float32, lora_rank=lora_rank)
    perturb(policy)

    write_model(policy, models(tied), tmp_path)

    expected = torch.cat([plain_scores(tmp_path, one, 1.0) for one in SEQUENCES])
    torch.testing.assert_close(score(policy), expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(expected, score(Policy(models(tied), dtype=torch.float32)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("lora_rank", [0, 4])
@pytest.mark.parametrize("tied", [True, False])
def test_an_untied_checkpoint_has_every_weight_once(
    models: Callable[[bool], Path], tmp_path: Path, tied: bool, lora_rank: int, dtype: torch.dtype
) -> None:
    """What engines load: head and embeddings each in one file, and the same scores."""
    policy = Policy(models(tied), dtype=dtype, lora_rank=lora_rank)
    perturb(policy)

    write_model(policy, models(tied), tmp_path)
    write_weights(policy, tmp_path, untie=True)

    names = [name for file in tmp_path.glob("*.safetensors") for name in names_in(file)]
    assert sorted(names) == sorted(set(names))
    assert {"lm_head.weight", "model.embed_tokens.weight"} <= set(names)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    assert not loaded.config.tie_word_embeddings
    expected = torch.cat([plain_scores(tmp_path, one, 1.0) for one in SEQUENCES])
    tolerance = 1e-4 if dtype == torch.float32 else 0.3
    torch.testing.assert_close(score(policy), expected, rtol=tolerance, atol=tolerance)


def names_in(file: Path) -> list[str]:
    with safe_open(file, framework="pt") as opened:
        return list(opened.keys())


def test_a_checkpoint_keeps_tokenizer_and_generation_settings(tmp_path: Path) -> None:
    """Byte by byte those of the start; the marker of a checkpoint of training is not among them."""
    start = tmp_path / "start"
    write_checkpoint(start)
    (start / "complete.json").write_text("{}")
    target = tmp_path / "target"
    target.mkdir()

    write_model(Policy(start, dtype=torch.float32), start, target)

    kept = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
    for name in (*kept, "generation_config.json"):
        assert (target / name).read_bytes() == (start / name).read_bytes()
    assert not (target / "complete.json").exists()


def test_adapters_are_the_same_for_the_same_seed(models: Callable[[bool], Path]) -> None:
    """Whatever other code drew before: a run that is begun again repeats its steps."""
    path = models(False)
    first = Policy(path, dtype=torch.float32, lora_rank=2).trained_state()
    torch.rand(7)
    second = Policy(path, dtype=torch.float32, lora_rank=2).trained_state()

    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_policy_without_its_adapters_is_the_start(models: Callable[[bool], Path]) -> None:
    """Which is the reference of the KL penalty."""
    policy = Policy(models(False), dtype=torch.float32, lora_rank=2)
    before = score(policy)
    perturb(policy)

    with policy.without_adapters():
        torch.testing.assert_close(score(policy), before, rtol=0, atol=0)
    assert not torch.allclose(score(policy), before)


def test_lora_trains_adapters_alone(models: Callable[[bool], Path]) -> None:
    """Its state is small, and the weights below stay as they are."""
    policy = Policy(models(False), dtype=torch.float32, lora_rank=2)

    assert all(".lora_" in name for name in policy.trained_state())
    assert len(policy.trained_state()) == len(policy.parameters()) == 2 * 7 * 2


def test_trained_state_comes_back(models: Callable[[bool], Path]) -> None:
    """As it was saved, over whatever came after."""
    policy = Policy(models(True), dtype=torch.float32)
    saved = {name: value.clone() for name, value in policy.trained_state().items()}
    before = score(policy)
    perturb(policy)

    policy.load_trained_state(saved)

    assert torch.equal(score(policy), before)


@pytest.mark.parametrize("lora_rank", [0, 2])
def test_gradient_checkpointing_changes_no_gradient(lora_rank: int) -> None:
    """It computes the same once more instead of keeping it."""
    found = []
    for is_on in (False, True):
        torch.manual_seed(0)
        policy = Policy(
            DEMO, dtype=torch.float32, gradient_checkpointing=is_on, lora_rank=lora_rank
        )
        perturb(policy)
        policy.score(Batch.of(SEQUENCES), temperature=1.0).log_prob.sum().backward()
        found.append([one.grad for one in policy.parameters()])

    for without, with_it in zip(*found, strict=True):
        torch.testing.assert_close(with_it, without, rtol=1e-5, atol=1e-5)


def test_dropout_is_off_in_training(tmp_path: Path) -> None:
    """Gradient checkpointing needs the training mode; the same batch has the same scores in it."""
    path = write_checkpoint(tmp_path / "model", attention_dropout=0.5)
    policy = Policy(path, dtype=torch.float32, gradient_checkpointing=True)

    torch.testing.assert_close(score(policy), score(policy), rtol=0, atol=0)
