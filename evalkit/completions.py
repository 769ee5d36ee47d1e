"""The completion in what a trainer sends: a decoded sequence with its prompt and special tokens."""

import re

from evalkit.types import Prompt

_SPECIAL_TOKENS = (
    *("<s>", "</s>", "<pad>", "<unk>", "<bos>", "<eos>", "[PAD]"),
    *("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<|begin_of_text|>"),
    *("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"),
    *("<|finetune_right_pad_id|>", "<|end|>", "<|return|>", "<end_of_turn>", "<|user|>"),
)
"""Of Llama, Qwen, DeepSeek, Mistral, Gemma, Phi, GLM and gpt-oss, where a sequence begins or ends."""

# What precedes the answer of the model, with the line breaks that are the template's.
_ASSISTANT_MARKER = re.compile(
    r"<\|im_start\|>assistant\n?|<\|start_header_id\|>assistant<\|end_header_id\|>(?:\n\n)?"
    r"|<｜Assistant｜>|<\|assistant\|>\n?|<start_of_turn>model\n?|\[/INST\]"
)


def strip_prompt(query: str, prompt: str) -> tuple[str, bool]:
    """The completion in `query`, and whether the prompt before it ended inside `<think>`.

    Cuts at `prompt` where that begins the query, special tokens in front of either apart. Where
    decoding has changed the prompt, cuts after as many assistant markers as it has, or after the
    last where it has none, being the question alone. A query without any is a completion.
    """
    start = _start(query, prompt)
    return query[start:], Prompt((), query[:start]).opens_thinking


def strip_special_tokens(text: str) -> str:
    """Without those at the ends, and without the white space outside of them."""
    start = _after_tokens(text)
    return text[start : _before_tokens(text, start)]


def _start(query: str, prompt: str) -> int:
    bare = prompt[_after_tokens(prompt) :].lstrip()
    first = _skip_space(query, _after_tokens(query))
    for start, text in ((0, prompt), (first, bare)):
        if text and query.startswith(text, start):
            return start + len(text)
    ends = [match.end() for match in _ASSISTANT_MARKER.finditer(query)]
    num_in_prompt = len(_ASSISTANT_MARKER.findall(prompt))
    if not ends:
        return 0
    return ends[num_in_prompt - 1 if 0 < num_in_prompt <= len(ends) else -1]


def _after_tokens(text: str) -> int:
    start = position = 0
    while token := next((one for one in _SPECIAL_TOKENS if text.startswith(one, position)), ""):
        start = position + len(token)
        position = _skip_space(text, start)
    return start


def _before_tokens(text: str, start: int) -> int:
    end = position = len(text)
    while True:
        while position > start and text[position - 1].isspace():
            position -= 1
        found = (one for one in _SPECIAL_TOKENS if text.endswith(one, start, position))
        if not (token := next(found, "")):
            return end
        end = position = position - len(token)


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position
