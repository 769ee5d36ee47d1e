"""The text of a completion while its tokens come, and where a stop text ends it. As in vLLM."""

from collections.abc import Sequence
from typing import Any

_PARTIAL = "\ufffd"  # what stands for the bytes of an unfinished character


class TextStream:
    """Special tokens are left out, and an unfinished character until it is finished.

    A token is decoded after those before it, because some tokenizers drop a space at the start.
    """

    def __init__(self, tokenizer: Any, prompt_ids: Sequence[int]) -> None:
        self._tokenizer = tokenizer
        self._ids = list(prompt_ids)
        self._context = 0  # the first token that is decoded once more
        self._num_read = len(prompt_ids)
        self._text = ""

    def push(self, token_id: int) -> None:
        self._ids.append(token_id)

    def read(self) -> str:
        """All text so far; costs as much as what is new is long."""
        known = self._decode(self._ids[self._context : self._num_read])
        new = self._decode(self._ids[self._context :])[len(known) :]
        if new.endswith(_PARTIAL):
            return self._text + new.rstrip(_PARTIAL)
        self._text += new
        self._context, self._num_read = self._num_read, len(self._ids)
        return self._text

    def _decode(self, token_ids: list[int]) -> str:
        text: str = self._tokenizer.decode(
            token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text


def find_stop(text: str, stops: Sequence[str]) -> int | None:
    """Where the stop text that is complete first begins; None where there is none."""
    found = [(text.find(stop), stop) for stop in stops if stop in text]
    return min(found, key=lambda one: one[0] + len(one[1]), default=(None, ""))[0]
