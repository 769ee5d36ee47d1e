"""Makes the checkpoints that the speed comparisons use: random Qwen2 models, and one that never ends.

usage: python benchmarks/tiny_model.py DIR --text MATH500.jsonl
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_tokenizer(text: Path) -> PreTrainedTokenizerFast:
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2048,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    lines = [json.loads(line)["problem"] for line in text.read_text().splitlines()]
    tokenizer.train_from_iterator(lines, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=_TEMPLATE,
    )


def make_checkpoint(out: Path, text: Path) -> int:
    """Writes the checkpoint and returns its number of parameters."""
    torch.manual_seed(0)
    tokenizer = make_tokenizer(text)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=4,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=8192,
        tie_word_embeddings=False,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    model = Qwen2ForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return sum(parameter.numel() for parameter in model.parameters())


def make_endless(out: Path, start: Path, shape: Mapping[str, int] | None = None) -> int:
    """A copy of `start` that names no end token, so that every completion has its full length.

    With `shape`, fields of the config, the weights are new and random. Returns the number of
    parameters.
    """
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(start, dtype=torch.bfloat16)
    if shape:
        values = model.config.to_dict() | {"layer_types": None, **shape}
        model = type(model)(type(model.config)(**values)).to(torch.bfloat16)
    model.config.eos_token_id = model.generation_config.eos_token_id = None
    model.save_pretrained(out)
    tokenizer = AutoTokenizer.from_pretrained(start)
    tokenizer.eos_token = None
    tokenizer.save_pretrained(out)
    return sum(parameter.numel() for parameter in model.parameters())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--text", type=Path, required=True)
    arguments = parser.parse_args()
    print(make_checkpoint(arguments.out, arguments.text), "parameters")
