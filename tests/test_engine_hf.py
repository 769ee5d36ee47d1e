"""The hf engine with the demo checkpoint, and with tiny random models where their kind matters."""

import contextlib
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.chat import ChatRenderer
from evalkit.cli import main
from evalkit.engine import Rollout
from evalkit.engine.hf import HfEngine
from evalkit.runner import run
from evalkit.spec import RunSpec
from evalkit.task import load_task
from evalkit.types import (
    EngineError,
    Problem,
    Prompt,
    Request,
    SamplingParams,
    UsageError,
)

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

NEAR = 1e-4  # of log-probabilities in float32
SAMPLINGS = {
    "plain": SamplingParams(max_tokens=48),
    "cuts": SamplingParams(temperature=0.7, top_p=0.8, top_k=20, min_p=0.05, max_tokens=48),
    "penalty": SamplingParams(temperature=1.5, repetition_penalty=1.3, max_tokens=48),
    "greedy": SamplingParams(temperature=0, max_tokens=48),
    "stop": SamplingParams(stop=("=", "\\boxed"), max_tokens=48),
}
TINY = {
    "vocab_size": 309,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "initializer_range": 0.2,
    "eos_token_id": 308,
}


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny models gain nothing from more, and wait for each other where cores are shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def engine(checkpoint: Path) -> Iterator[HfEngine]:
    with HfEngine() as engine:
        engine.load(checkpoint, {"device": "cpu"})
        yield engine


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> Any:
    from evalkit.engine.hf_model import load_model

    return load_model(checkpoint, None, "cpu")


@pytest.fixture(scope="module")
def network(checkpoint: Path) -> Any:
    return transformers.AutoModelForCausalLM.from_pretrained(checkpoint, dtype="float32")


@pytest.fixture(scope="module")
def prompts(checkpoint: Path) -> list[tuple[Problem, Prompt]]:
    """Of ten demo problems; their lengths differ."""
    renderer = ChatRenderer(checkpoint)
    return [(one, renderer.render(one.messages)) for one in load_task("demo").problems()[:10]]


@pytest.fixture
def ask(prompts: list[tuple[Problem, Prompt]]) -> Callable[..., list[Request]]:
    """Four requests for each problem."""

    def ask(sampling: SamplingParams = SAMPLINGS["plain"]) -> list[Request]:
        return [
            Request("demo", problem, index, 1000 + 7 * index + number, prompt, sampling)
            for number, (problem, prompt) in enumerate(prompts)
            for index in range(4)
        ]

    return ask


@pytest.fixture
def save(tmp_path: Path, checkpoint: Path) -> Callable[[Any], Path]:
    """Saves a model with the demo's tokenizer."""

    def save(network: Any, name: str = "tiny") -> Path:
        network.save_pretrained(tmp_path / name)
        for file in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(checkpoint / file, tmp_path / name)
        return tmp_path / name

    return save


def by_key(rollouts: Iterator[Rollout]) -> dict[tuple[str, str, int], Rollout]:
    return {one.sample.key: one for one in rollouts}


def bare(prompt: list[int], sampling: SamplingParams, index: int = 0) -> Request:
    """A request for any token ids, with a seed of its own."""
    return Request("t", Problem("p", (), None), index, index, Prompt(tuple(prompt), ""), sampling)  # type: ignore[arg-type]


def forward(network: Any, prompt: tuple[int, ...], completion: tuple[int, ...]) -> Any:
    """The logits of the completion's tokens, (T, V), from one pass over one unpadded sequence."""
    with torch.no_grad():
        logits = network(torch.tensor([[*prompt, *completion]])).logits[0]
    return logits[len(prompt) - 1 : -1]


def log_probs(network: Any, request: Request, rollout: Rollout) -> Any:
    logits = forward(network, request.prompt.token_ids, rollout.token_ids)
    scores = (logits / (request.sampling.temperature or 1.0)).log_softmax(-1)
    return scores.gather(-1, torch.tensor(rollout.token_ids)[:, None])[:, 0]


@pytest.mark.parametrize("sampling", SAMPLINGS.values(), ids=SAMPLINGS)
def test_samples_do_not_depend_on_company(
    engine: HfEngine,
    checkpoint: Path,
    ask: Callable[..., list[Request]],
    sampling: SamplingParams,
) -> None:
    """Asked for all together, one by one, or a few at a time in another order: the same samples."""
    requests = ask(sampling)
    together = by_key(engine.rollout(requests))
    alone = by_key(next(engine.rollout([one])) for one in requests[::5])
    with HfEngine() as small:
        small.load(checkpoint, {"device": "cpu", "batch_tokens": 300})
        few = by_key(small.rollout(requests[::-1]))

    assert together.keys() == few.keys()
    assert {key: one.sample for key, one in together.items()} == {
        key: one.sample for key, one in few.items()
    }
    for key, one in alone.items():
        assert (together[key].sample, together[key].token_ids) == (one.sample, one.token_ids)
        assert together[key].log_probs == pytest.approx(one.log_probs, abs=NEAR)


@pytest.mark.parametrize("sampling", SAMPLINGS.values(), ids=SAMPLINGS)
def test_log_probs_are_those_of_a_forward_pass(
    engine: HfEngine,
    network: Any,
    ask: Callable[..., list[Request]],
    sampling: SamplingParams,
) -> None:
    """At the sampling temperature (1 where it is 0), before penalty and cuts."""
    requests = {("demo", one.problem.id, one.index): one for one in ask(sampling)}
    for key, one in by_key(engine.rollout(list(requests.values()))).items():
        expected = log_probs(network, requests[key], one)
        torch.testing.assert_close(torch.tensor(one.log_probs), expected, rtol=0, atol=NEAR)


def models() -> dict[str, Any]:
    """Full attention, a window smaller than the texts, learned positions, another architecture."""
    size = {"vocab_size": 24, "initializer_range": 0.2, "eos_token_id": [16, 17, 18, 19, 20]}
    tiny = {**TINY, **size}
    return {
        "qwen2": transformers.Qwen2Config(**tiny),
        "mistral": transformers.MistralConfig(**tiny, sliding_window=5),
        "gpt2": transformers.GPT2Config(n_embd=32, n_layer=2, n_head=2, **size),
        "gpt_neox": transformers.GPTNeoXConfig(
            hidden_size=32, num_hidden_layers=2, num_attention_heads=2, **size
        ),
    }


@pytest.mark.parametrize("penalty", [1.0, 1.5])
@pytest.mark.parametrize("kind", models())
def test_greedy_is_the_greedy_search_of_transformers(
    kind: str, penalty: float, save: Callable[[Any], Path]
) -> None:
    """Prompts of one token to six, some of them equal, in a batch from which some leave early."""
    torch.manual_seed(0)
    network = transformers.AutoModelForCausalLM.from_config(models()[kind]).eval()
    texts = [[first + step for step in range(n)] for n in range(1, 7) for first in (1, 9)]
    sampling = SamplingParams(temperature=0, repetition_penalty=penalty, max_tokens=12)
    requests = [bare(text, sampling, number) for number, text in enumerate(texts * 2)]
    with HfEngine() as engine:
        engine.load(save(network), {"device": "cpu", "batch_tokens": 100})
        found = by_key(engine.rollout(requests))
    for request in requests:
        prompt = torch.tensor([request.prompt.token_ids])
        whole = network.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            do_sample=False,
            repetition_penalty=penalty,
            max_new_tokens=12,
            pad_token_id=0,
        )
        expected = whole[0, prompt.shape[1] :].tolist()
        assert tuple(expected) == found["t", "p", request.index].token_ids
    assert len({one.sample.num_tokens for one in found.values()}) > 1


def test_seeds_decide(engine: HfEngine, ask: Callable[..., list[Request]]) -> None:
    """The same seeds give the same samples again, other seeds others."""
    requests = ask()
    others = [replace(one, seed=one.seed + 500) for one in requests]

    first, again, other = (by_key(engine.rollout(one)) for one in (requests, requests, others))

    assert first == again
    assert [key for key in first if first[key].token_ids != other[key].token_ids]
    for problem in {one.problem.id for one in requests}:
        assert len({first["demo", problem, index].sample.text for index in range(4)}) > 1


def test_a_finished_sample_has_its_end_token(
    engine: HfEngine, checkpoint: Path, ask: Callable[..., list[Request]]
) -> None:
    """The end token is counted and has a log-probability, but no place in the text."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    finished = [one for one in engine.rollout(ask()) if one.sample.finish_reason == "stop"]

    assert len(finished) > 20
    for one in finished:
        assert one.token_ids.index(308) == len(one.token_ids) - 1
        assert one.sample.num_tokens == len(one.token_ids) == len(one.log_probs)
        assert one.sample.text == tokenizer.decode(one.token_ids[:-1])


def test_every_end_token_ends_a_sample(save: Callable[[Any], Path]) -> None:
    """Those of the generation defaults, and the tokenizer's."""
    torch.manual_seed(3)
    network = transformers.AutoModelForCausalLM.from_config(transformers.Qwen2Config(**TINY))
    network.generation_config.eos_token_id = [7, 9]
    ends = {7, 9, 308}
    sampling = SamplingParams(temperature=3.0, max_tokens=2000)
    with HfEngine() as engine:
        engine.load(save(network), {"device": "cpu"})
        found = list(engine.rollout([bare([1, 2], sampling, seed) for seed in range(30)]))

    assert ends == {one.token_ids[-1] for one in found}
    assert not any(ends & set(one.token_ids[:-1]) for one in found)


def test_a_truncated_sample_says_so(engine: HfEngine, ask: Callable[..., list[Request]]) -> None:
    """A completion that reaches max_tokens has the finish reason "length"."""
    sample = next(engine.generate(ask(SamplingParams(max_tokens=2))))

    assert (sample.finish_reason, sample.num_tokens, sample.is_truncated) == ("length", 2, True)


def test_a_stop_text_ends_a_sample_and_is_cut_off(
    engine: HfEngine, ask: Callable[..., list[Request]]
) -> None:
    """The text ends before the first stop text; its tokens stay."""
    (request,) = ask(SamplingParams(temperature=0, max_tokens=48))[:1]
    whole = next(engine.rollout([request]))
    stopping = replace(request, sampling=replace(request.sampling, stop=("boxed", ";\\", "xed")))
    cut = next(engine.rollout([stopping]))

    assert ";\\boxed" in whole.sample.text
    assert whole.sample.text.partition(";\\")[0] == cut.sample.text
    assert cut.sample.finish_reason == "stop"
    assert whole.token_ids[: len(cut.token_ids)] == cut.token_ids
    assert len(cut.token_ids) < len(whole.token_ids)


@pytest.mark.parametrize(
    ("text", "stops", "start"),
    [
        ("a b c b", (" b",), 1),
        ("a b c", ("x", "c"), 4),
        ("a b c", ("x",), None),
        ("a stop here", ("stop here", "top"), 3),  # `top` is complete first
        ("ab", ("b", "ab"), 1),  # both end there: the first of the list
        ("ab", ("ab", "b"), 0),
    ],
)
def test_the_stop_text_that_is_complete_first_counts(
    text: str, stops: tuple[str, ...], start: int | None
) -> None:
    """The text ends where it begins."""
    from evalkit.engine.hf_text import find_stop

    assert find_stop(text, stops) == start


@given(text=st.text(max_size=12), reads=st.sets(st.integers(0, 60)))
def test_text_is_the_same_whenever_it_is_read(text: str, reads: set[int]) -> None:
    """Also between the bytes of a character, of which nothing shows before the last."""
    from evalkit.engine.hf_text import TextStream
    from evalkit.resources import resource_dir

    path = resource_dir("tasks") / "demo" / "checkpoint"
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    ids = tokenizer(text)["input_ids"]
    whole = tokenizer.decode(ids)
    stream = TextStream(tokenizer, tokenizer("Q: é")["input_ids"])
    for number, token in enumerate(ids):
        stream.push(token)
        if number in reads:
            assert whole.startswith(stream.read())
    assert whole.rstrip("\ufffd") == stream.read().rstrip("\ufffd")


@pytest.mark.parametrize("reads", [(), (0,), (0, 1)])
def test_a_space_before_a_word_is_kept(reads: tuple[int, ...]) -> None:
    """Tokenizers of SentencePiece drop it at the start of what they decode."""
    from tokenizers import Tokenizer, decoders
    from tokenizers import models as kinds

    from evalkit.engine.hf_text import TextStream

    words = Tokenizer(kinds.WordLevel({"▁a": 0, "▁b": 1, "c": 2}, unk_token="c"))
    words.decoder = decoders.Metaspace()
    stream = TextStream(transformers.PreTrainedTokenizerFast(tokenizer_object=words), [0])
    for number, token in enumerate([1, 2, 1]):
        stream.push(token)
        if number in reads:
            stream.read()
    assert stream.read() == " bc b"


CUTS: dict[str, tuple[dict[str, Any], Callable[[Any], Any]]] = {
    "none": ({}, lambda p: p > -1),
    "top_k": ({"top_k": 5}, lambda p: p >= p.sort(descending=True)[0][4]),
    "min_p": ({"min_p": 0.1}, lambda p: p >= 0.1 * p.max()),
    "top_p": (
        {"top_p": 0.6},
        lambda p: torch.tensor([p[p > one].sum() < 0.6 for one in p]),
    ),
}


@pytest.mark.parametrize("cut", CUTS)
def test_tokens_are_sampled_with_their_probabilities(
    engine: HfEngine, network: Any, prompts: list[tuple[Problem, Prompt]], cut: str
) -> None:
    """Chi-square over 3000 seeds; those that are cut off never come."""
    from scipy.stats import chisquare

    changes, keeps = CUTS[cut]
    sampling = SamplingParams(temperature=5.0, max_tokens=1, **changes)
    prompt = prompts[0][1].token_ids
    requests = [bare(list(prompt), sampling, seed) for seed in range(3000)]
    counts = Counter(one.token_ids[0] for one in engine.rollout(requests))

    p = (forward(network, prompt, (0,))[0].double() / 5).softmax(-1)
    kept = keeps(p).nonzero()[:, 0].tolist()
    expected = 3000 * p[kept] / p[kept].sum()

    assert set(counts) <= set(kept)
    assert len(kept) > 4
    assert expected.min() > 5  # so that chi-square holds
    assert chisquare([counts[token] for token in kept], expected.numpy()).pvalue > 0.001


@pytest.mark.parametrize("is_tied", [False, True])
def test_new_weights_take_effect_everywhere(is_tied: bool, save: Callable[..., Path]) -> None:
    """Every weight changed: the engine then samples from the changed model."""
    torch.manual_seed(1)
    config = transformers.Qwen2Config(**TINY, tie_word_embeddings=is_tied)
    network = transformers.AutoModelForCausalLM.from_config(config).eval()
    request = bare([1, 2, 3], SamplingParams(max_tokens=20))
    with HfEngine() as engine:
        engine.load(save(network), {"device": "cpu"})
        before = next(engine.rollout([request]))
        with torch.no_grad():
            for parameter in network.parameters():
                parameter += 0.3 * torch.randn_like(parameter)
        engine.update_weights(save(network, "new"))
        after = next(engine.rollout([request]))

    assert before.token_ids != after.token_ids
    expected = log_probs(network, request, after)
    torch.testing.assert_close(torch.tensor(after.log_probs), expected, rtol=0, atol=NEAR)


Weights = dict[str, Any]
DAMAGE: dict[str, tuple[Callable[[Weights], object], str]] = {
    "missing": (lambda w: w.pop("model.norm.weight"), "no model.norm.weight, which the model has"),
    "all of tied": (lambda w: w.pop("model.embed_tokens.weight"), "no lm_head.weight, model.embed"),
    "unknown": (lambda w: w.update(extra=w["model.norm.weight"].clone()), "model has no extra"),
    "shape": (
        lambda w: w.update({"model.norm.weight": torch.ones(5)}),
        r"model.norm.weight has the shape \(5,\), in the model \(32,\)",
    ),
    "contradiction": (
        lambda w: w.update({"lm_head.weight": w["model.embed_tokens.weight"] + 1}),
        "lm_head.weight and model.embed_tokens.weight differ",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_weights_that_do_not_fit_change_nothing(
    damage: str, save: Callable[..., Path], tmp_path: Path
) -> None:
    """The error names them, and the old weights stay all."""
    from safetensors.torch import load_file, save_file

    torch.manual_seed(2)
    config = transformers.Qwen2Config(**TINY, tie_word_embeddings=True)
    path = save(transformers.AutoModelForCausalLM.from_config(config))
    weights = {name: value + 1 for name, value in load_file(path / "model.safetensors").items()}
    change, message = DAMAGE[damage]
    change(weights)
    (tmp_path / "new").mkdir()
    save_file(weights, tmp_path / "new" / "model.safetensors")
    request = bare([1, 2, 3], SamplingParams(max_tokens=20))
    with HfEngine() as engine:
        engine.load(path, {"device": "cpu"})
        before = next(engine.rollout([request]))
        with pytest.raises(EngineError, match=message):
            engine.update_weights(tmp_path / "new")
        assert before == next(engine.rollout([request]))


def test_new_weights_that_cannot_be_read_are_an_engine_error(
    checkpoint: Path, tmp_path: Path
) -> None:
    """Torn files are named, and a directory without any lacks all weights."""
    with HfEngine() as engine:
        engine.load(checkpoint, {"device": "cpu"})
        with pytest.raises(EngineError, match=r"no lm_head.weight, .* and 34 more, which"):
            engine.update_weights(tmp_path)
        (tmp_path / "model.safetensors").write_bytes(b"torn")
        with pytest.raises(EngineError, match=f"cannot read the weights in {tmp_path}"):
            engine.update_weights(tmp_path)


def test_a_checkpoint_without_a_weight_is_not_loaded(save: Callable[..., Path]) -> None:
    """transformers alone would go on with random numbers in its place."""
    from safetensors.torch import load_file, save_file

    path = save(transformers.AutoModelForCausalLM.from_config(transformers.Qwen2Config(**TINY)))
    weights = load_file(path / "model.safetensors")
    del weights["model.norm.weight"]
    save_file(weights, path / "model.safetensors", {"format": "pt"})
    with HfEngine() as engine, pytest.raises(EngineError, match=r"no model\.norm\.weight"):
        engine.load(path, {"device": "cpu"})


def test_a_model_without_keys_and_values_is_refused(save: Callable[..., Path]) -> None:
    """A state-space model has no cache from which rows could be taken."""
    config = transformers.MambaConfig(vocab_size=309, hidden_size=16, num_hidden_layers=1)
    path = save(transformers.AutoModelForCausalLM.from_config(config))
    with HfEngine() as engine, pytest.raises(EngineError, match="does not support mamba models"):
        engine.load(path, {"device": "cpu"})


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            {"tensor_parallel_size": 2},
            "unknown engine argument 'tensor_parallel_size'; "
            "hf has: dtype, device, max_model_len, batch_tokens",
        ),
        (
            {"dtype": "bf16"},
            "unknown dtype 'bf16'; known: auto, bfloat16, float16, float32",
        ),
        ({"batch_tokens": 0}, "batch_tokens=0, but it must be a number of tokens, at least 1"),
    ],
)
def test_engine_arguments_that_cannot_be_are_refused(
    checkpoint: Path, args: dict[str, Any], message: str
) -> None:
    """Before a run loads anything, and by the engine."""
    spec = RunSpec(model=str(checkpoint), tasks=("demo",), engine="hf", engine_args=args)
    with HfEngine() as engine:
        for start in (lambda: engine.load(checkpoint, args), lambda: run(spec)):
            with pytest.raises(UsageError) as error:
                start()
            assert message in str(error.value)


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ([1] * 30, "t problem p: a prompt of 30 tokens, but max_model_len=30"),
        ([1, 309], "t problem p: token 309, but the model has 309 tokens"),
    ],
)
def test_a_prompt_that_the_model_cannot_read_is_named(
    checkpoint: Path, prompt: list[int], message: str
) -> None:
    """Instead of an index error somewhere in the model."""
    with HfEngine() as engine:
        engine.load(checkpoint, {"device": "cpu", "max_model_len": 30})
        with pytest.raises(EngineError, match=message):
            next(engine.rollout([bare(prompt, SamplingParams(max_tokens=4))]))


def test_the_context_ends_a_sample(checkpoint: Path) -> None:
    """Prompt and completion together have at most `max_model_len` tokens."""
    with HfEngine() as engine:
        engine.load(checkpoint, {"device": "cpu", "max_model_len": 12})
        one = next(engine.rollout([bare([5] * 10, SamplingParams(temperature=0))]))
    assert (one.sample.num_tokens, one.sample.finish_reason) == (2, "length")


def test_memory_that_runs_out_comes_with_advice() -> None:
    """The error of torch becomes one that names the argument to change."""
    from evalkit.engine.hf_model import library_errors

    with pytest.raises(EngineError, match="smaller batch_tokens"), library_errors():
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")


def test_an_engine_that_was_left_is_an_engine_error(checkpoint: Path) -> None:
    """Nothing is generated without a model."""
    with HfEngine() as engine:
        engine.load(checkpoint, {"device": "cpu"})
    with pytest.raises(EngineError, match="no model is loaded"):
        next(engine.rollout([bare([1], SamplingParams())]))


SIZES = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), max_size=12)


@given(sizes=SIZES, num_running=st.integers(0, 6), batch_tokens=st.integers(1, 400))
def test_a_batch_cannot_outgrow_its_budget(
    model: Any, sizes: list[tuple[int, int]], num_running: int, batch_tokens: int
) -> None:
    """Unless a single row is larger, which then runs alone."""
    from evalkit.engine.hf_decoding import num_admitted
    from evalkit.engine.hf_rows import Row

    every = [
        Row(bare([1] * length, SamplingParams(max_tokens=new)), model, None)
        for length, new in sizes
    ]
    running, waiting = every[:num_running], every[num_running:]
    num_new = num_admitted(running, waiting, batch_tokens)
    if num_new:
        rows = every[: len(running) + num_new]
        width = max(row.length for row in rows) + max(row.remaining for row in rows)
        assert len(rows) == 1 or len(rows) * width <= batch_tokens
    if not running and waiting:
        assert num_new >= 1


@pytest.mark.slow
@pytest.mark.vllm
def test_samples_are_those_of_vllm(
    engine: HfEngine, checkpoint: Path, ask: Callable[..., list[Request]], tmp_path: Path
) -> None:
    """In float32 on a CPU, with vLLM's noise in float64: texts, lengths and finish reasons."""
    pytest.importorskip("vllm")
    from evalkit.engine.vllm import VllmEngine

    args = {"max_model_len": 256, "dtype": "float32", "use_fp64_gumbel": True}
    with VllmEngine(tmp_path / "engine.log") as vllm:
        vllm.load(checkpoint, args)
        for sampling in SAMPLINGS.values():
            expected = {one.key: one for one in vllm.generate(ask(sampling))}
            assert expected == {one.key: one for one in engine.generate(ask(sampling))}


def test_a_run_with_this_engine(
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From the command to the report, with prompts that evalkit renders; loading prints nothing."""
    places = ["--model", str(checkpoint), "--tasks", "demo:2", "--out", str(tmp_path / "run")]
    options = ["--engine", "hf", "--dtype", "float32", "--limit", "3", "--plain-prompt"]
    monkeypatch.setattr(sys, "argv", ["evalkit", "run", *places, *options])
    with contextlib.suppress(SystemExit):
        main()

    printed = capsys.readouterr()
    assert "Loading weights" not in printed.out + printed.err
    assert len((tmp_path / "run" / "demo" / "samples.jsonl").read_text().splitlines()) == 6
    assert "| demo | 3 of 200 | 2 |" in (tmp_path / "run" / "report.md").read_text()


@pytest.mark.parametrize(
    "code",
    [
        "assert not {'torch', 'transformers'} & set(sys.modules)",
        "sys.modules['torch'] = None\n"
        "try: HfEngine().load(Path('.'), {})\n"
        "except EngineError as error: assert 'needs PyTorch' in str(error)\n"
        "else: raise AssertionError",
    ],
)
def test_the_engine_is_light_until_it_loads(code: str) -> None:
    """The command line imports it before it knows which engine will run; then torch is needed."""
    imports = "import sys; from evalkit.engine.hf import EngineError, HfEngine, Path\n"
    subprocess.run([sys.executable, "-c", imports + code], check=True)
