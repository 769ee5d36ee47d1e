"""Algorithms against one another: the same start, data and settings, several seeds of each."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import torch

from evalkit.train.session import Watcher, train
from evalkit.train.spec import TrainSpec
from evalkit.types import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`base` is the spec of every run but for algorithm, seed and directory.

    `method` is the algorithm whose claims are tested against the others. `jobs` runs train at the
    same time, each with its share of the cores.
    """

    base: TrainSpec
    algorithms: tuple[str, ...]
    method: str
    num_seeds: int = 5
    jobs: int = 1

    def __post_init__(self) -> None:
        if len(set(self.algorithms)) < max(len(self.algorithms), 2):
            raise UsageError(
                f"algorithms={','.join(self.algorithms)}, but at least two different ones are needed"
            )
        if self.method not in self.algorithms:
            raise UsageError(
                f"method={self.method} is none of the algorithms: {', '.join(self.algorithms)}"
            )
        for name in ("num_seeds", "jobs"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}={getattr(self, name)}, but it must be at least 1")
        if not self.base.validate:
            raise UsageError("validate: name the tasks that the final checkpoints are scored on")
        self.specs()

    @property
    def baselines(self) -> tuple[str, ...]:
        return tuple(name for name in self.algorithms if name != self.method)

    def specs(self) -> list[TrainSpec]:
        """Seed by seed, so that an interrupted comparison has whole seeds."""
        seeds = range(self.base.seed, self.base.seed + self.num_seeds)
        return [
            replace(self.base, algorithm=name, seed=seed, out=self.base.out / f"{name}-seed{seed}")
            for seed in seeds
            for name in self.algorithms
        ]


def train_all(comparison: Comparison, make_watcher: Callable[[str], Watcher]) -> list[Path]:
    """Trains what is not finished; the training directories in the order of the specs.

    `make_watcher` gets the name of a run; with several jobs it is called in other processes.
    """
    specs = comparison.specs()
    if comparison.jobs == 1:
        for spec in specs:
            _train(spec, make_watcher)
        return [spec.out for spec in specs]
    num_threads = max((os.cpu_count() or 1) // comparison.jobs, 1)
    context = get_context("spawn")
    with ProcessPoolExecutor(comparison.jobs, context, _limit_threads, (num_threads,)) as workers:
        futures = [workers.submit(_train, spec, make_watcher) for spec in specs]
        try:
            for future in as_completed(futures):
                future.result()
        finally:
            workers.shutdown(cancel_futures=True)
    return [spec.out for spec in specs]


def _limit_threads(num_threads: int) -> None:
    os.environ["OMP_NUM_THREADS"] = str(num_threads)
    torch.set_num_threads(num_threads)


def _train(spec: TrainSpec, make_watcher: Callable[[str], Watcher]) -> None:
    train(spec, make_watcher(spec.out.name))
