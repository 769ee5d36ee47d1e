"""The text to grade in a completion that a trainer hands over as chat messages."""

from collections.abc import Mapping, Sequence
from typing import Any

Completion = str | Sequence[Mapping[str, Any]]


def text_of(completion: Completion) -> str:
    """The text itself, or what the assistant said last; nothing where it said nothing.

    Thinking that the trainer has put into a field of its own stands in its tags before the answer.
    """
    if isinstance(completion, str):
        return completion
    said = [message for message in completion if message.get("role") == "assistant"]
    if not said:
        return ""
    answer = _content(said[-1].get("content"))
    thinking = said[-1].get("reasoning_content") or said[-1].get("thinking")
    if not thinking:
        return answer
    return f"<think>\n{thinking}\n</think>\n{answer}" if answer else f"<think>\n{thinking}"


def _content(content: Any) -> str:
    """Of parts, the texts."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part["text"] for part in content if part.get("type") == "text")
