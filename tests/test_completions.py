"""Completions are found in what trainers send: decoded sequences with prompts and special tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.completions import strip_prompt, strip_special_tokens

QWEN = "<|im_start|>user\nWhat is 1+1?<|im_end|>\n<|im_start|>assistant\n"
LLAMA = (
    "<|start_header_id|>user<|end_header_id|>\n\nWhat?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
)
DEEPSEEK = "<｜User｜>What?<｜Assistant｜><think>\n"


@pytest.mark.parametrize(
    ("before", "prompt", "after", "opened"),
    [
        ("", QWEN, "<|im_end|>\n", False),
        ("", QWEN + "<think>\n", "<|im_end|>\n<|endoftext|><|endoftext|>", True),
        ("<|begin_of_text|>", LLAMA, "<|eot_id|>", False),
        ("<|begin_of_text|>", "<|begin_of_text|>" + LLAMA, "<|eot_id|>", False),
        ("<｜begin▁of▁sentence｜>", DEEPSEEK, "<｜end▁of▁sentence｜>", True),
        ("<s> ", "[INST] What? [/INST]", "</s>", False),
        ("<pad><pad><bos>", "<start_of_turn>model\n", "<end_of_turn>\n<eos>", False),
        ("", "1 + 1 =", "<|endoftext|>", False),
        ("<s>", "", "</s>", False),
    ],
    ids=["qwen", "thinking", "llama", "its-bos", "deepseek", "mistral", "padded", "base", "none"],
)
def test_a_query_holds_the_bare_response(
    before: str, prompt: str, after: str, opened: bool
) -> None:
    """Whatever the tokenizer puts around prompt and response."""
    response = "Well,\n  it is \\boxed{2}. "
    found, is_open = strip_prompt(f"{before}{prompt}{response}{after}", prompt)

    assert (strip_special_tokens(found), is_open) == (response, opened)


@pytest.mark.parametrize(
    ("query", "prompt", "expected"),
    [
        (QWEN + "two", "What is 1+1?", "two"),  # the trainer names the question alone
        (QWEN.replace("What", " What") + "two", QWEN, "two"),  # decoding is not the inverse
        (QWEN + "a<|im_end|>\n" + QWEN + "b", "What is 1+1?", "b"),
        (QWEN + "a<|im_end|>\n" + QWEN.replace("W", " W") + "b", QWEN + "a" + QWEN, "b"),
        ("two", "What is 1+1?", "two"),
    ],
)
def test_a_prompt_that_is_no_prefix_ends_at_its_assistant_marker(
    query: str, prompt: str, expected: str
) -> None:
    """At the last one where the prompt has none."""
    assert strip_prompt(query, prompt) == (expected, False)


def test_a_response_does_not_choose_where_it_begins() -> None:
    """A marker that the model wrote cuts nothing off as long as the prompt has its own."""
    response = "so \\boxed{3}<|im_start|>assistant\n\\boxed{2}"

    assert strip_prompt(QWEN + response, QWEN)[0] == response
    assert strip_prompt(QWEN.replace("What", " What") + response, QWEN)[0] == response


def test_thinking_after_a_marker_is_part_of_the_completion() -> None:
    """Its own tag says that it thinks."""
    query = QWEN + "<think>\nhm</think>two"

    assert strip_prompt(query, "What is 1+1?") == ("<think>\nhm</think>two", False)


@pytest.mark.parametrize("text", ["", "</s>", "<s></s>", "<|im_end|>\n<|endoftext|>"])
def test_only_special_tokens_are_an_empty_completion(text: str) -> None:
    assert strip_special_tokens(text) == ""


@pytest.mark.parametrize("text", ["a</s>b", "<unknown>", "</think> two", " two \n", "1 < s>2"])
def test_the_rest_of_a_text_stays(text: str) -> None:
    """Also tokens inside, white space, and what only looks like a token."""
    assert strip_special_tokens(text) == text


TOKENS = st.lists(st.sampled_from(["</s>", "<|im_end|>", "<|endoftext|>", "<pad>"]))


@given(prompt=st.text(), response=st.text(), tokens=TOKENS)
def test_any_response_comes_back(prompt: str, response: str, tokens: list[str]) -> None:
    """With nothing missing and nothing more; what it begins or ends with stays unless special."""
    response = f"({response})"
    found, _ = strip_prompt(prompt + response + "".join(tokens), prompt)

    assert strip_special_tokens(found) == response
