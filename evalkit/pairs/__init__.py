"""Grading in bulk: files of answers, or of programs against a file of problems, without a run."""

from evalkit.pairs.answers import grade_answers
from evalkit.pairs.programs import grade_pairs

__all__ = ["grade_answers", "grade_pairs"]
