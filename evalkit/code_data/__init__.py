"""Where the problems of code benchmarks come from: LiveCodeBench's files, and sets of asserts."""
