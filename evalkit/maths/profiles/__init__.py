"""Other people's graders, so that numbers published with them can be reproduced.

None of them is evalkit's own judgement: each behaves as its source does, defects included. They
take the whole completion, not an extracted answer, may be slow and may not return for some texts:
they are for a worker process that can be killed.
"""

from collections.abc import Callable, Mapping
from importlib import import_module

from evalkit.types import unknown

PROFILES: Mapping[str, str] = {
    "math": "evalkit-2",
    "math-verify": "math-verify-0.9.0",
    "archer2": "archer2-1",
    "qwen-math": "qwen-math-1",
}
"""The version of the rules behind each grader; it stands in every grade."""

_MODULES: Mapping[str, str] = {
    "math-verify": "evalkit.maths.profiles.math_verify",
    "archer2": "evalkit.maths.profiles.archer2",
    "qwen-math": "evalkit.maths.profiles.qwen_math",
}


def grade(profile: str, gold: str, text: str) -> tuple[bool, str | None]:
    """Whether `profile` accepts the completion `text`, and the answer that it found there.

    Raises UsageError for a profile that is not one of the foreign ones.
    """
    if profile not in _MODULES:
        raise unknown("profile", profile, list(_MODULES))
    judge: Callable[[str, str], tuple[bool, str | None]] = import_module(_MODULES[profile]).grade
    return judge(gold, text)
