"""How much a response repeats itself."""

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Repetition:
    ratio: float
    """The share of n-grams that stand earlier in the same text."""
    max_frequency: int
    """How often the most frequent n-gram occurs."""


def repetition(text: str, *, ngram_size: int = 20) -> Repetition:
    """Over n-grams of lower-cased words; 0 for a text that has none.

    As Archer2.0@b08d963, `verl/workers/reward_manager/wizard.py`.
    """
    words = text.lower().split()
    counts = Counter(zip(*(words[start:] for start in range(ngram_size)), strict=False))
    if not counts:
        return Repetition(0.0, 0)
    num_ngrams = counts.total()
    return Repetition((num_ngrams - len(counts)) / num_ngrams, max(counts.values()))
