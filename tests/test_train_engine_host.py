"""The engine of a training run: started again when it dies, and stopped when it is left behind."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from training_parts import DEMO, Silence, assert_same_steps, make_spec, whole_run

from evalkit.engine import Rollout
from evalkit.engine.hf import HfEngine
from evalkit.train import engine_host
from evalkit.train.engine_host import EngineHost
from evalkit.train.policy import Policy
from evalkit.train.session import train
from evalkit.train.spec import TrainSpec
from evalkit.types import EngineError, Request, RunError


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> TrainSpec:
    return whole_run(tmp_path_factory.getbasetemp())


class MortalEngine(HfEngine):
    """Dies at calls of a kind, counted over all engines: half-way through a rollout, or at once."""

    calls: list[str]
    deaths: list[tuple[str, int]]

    def rollout(self, requests: Sequence[Request]) -> Iterator[Rollout]:
        is_last = self._is_last("rollout")
        for number, rollout in enumerate(super().rollout(requests)):
            if is_last and number == len(requests) // 2:
                raise EngineError("the engine is gone")
            yield rollout

    def update_weights(self, path: Path) -> None:
        if self._is_last("update"):
            raise EngineError("the engine is gone")
        super().update_weights(path)

    def __exit__(self, *error: Any) -> None:
        self.calls.append("end")
        super().__exit__(*error)

    def _is_last(self, kind: str) -> bool:
        self.calls.append(kind)
        return (kind, self.calls.count(kind)) in self.deaths


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Makes engines die at these calls; returns the list of all calls, starts and ends."""

    def use(*deaths: tuple[str, int]) -> list[str]:
        calls: list[str] = []

        def start(spec: object, log: Path) -> HfEngine:
            calls.append("start")
            engine = MortalEngine()
            engine.calls, engine.deaths = calls, list(deaths)
            return engine

        monkeypatch.setattr(engine_host, "start_engine", start)
        return calls

    return use


# The exam before the first step is a rollout, too.
@pytest.mark.parametrize("death", [("rollout", 1), ("rollout", 3), ("update", 2), ("rollout", 4)])
def test_an_engine_that_dies_is_started_again(
    whole: TrainSpec,
    tmp_path: Path,
    mortal: Callable[..., list[str]],
    death: tuple[str, int],
) -> None:
    """While validating, sampling or taking weights: first it is ended; the steps are the same."""
    calls = mortal(death)
    spec = replace(whole, out=tmp_path / "run")

    train(spec, Silence())

    assert [one for one in calls if one in ("start", "end")] == ["start", "end"] * 2
    assert_same_steps(spec.out, whole.out)


@pytest.mark.parametrize("kind", ["rollout", "update"])
def test_an_engine_that_dies_twice_stops_training(
    whole: TrainSpec,
    tmp_path: Path,
    mortal: Callable[..., list[str]],
    kind: str,
) -> None:
    """And it resumes with one that lives."""
    mortal((kind, 3), (kind, 4))
    spec = replace(whole, out=tmp_path / "run")
    with pytest.raises(EngineError, match="the engine is gone"):
        train(spec, Silence())

    mortal()
    train(spec, Silence())

    assert_same_steps(spec.out, whole.out)


class StaleEngine(HfEngine):
    def update_weights(self, path: Path) -> None:
        """Says nothing and does nothing, as vLLM-CPU with the head of a tied model."""


class WrongEngine(HfEngine):
    """Its log-probabilities are half a nat off, from the first step on."""

    def rollout(self, requests: Sequence[Request]) -> Iterator[Rollout]:
        for one in super().rollout(requests):
            yield replace(one, log_probs=tuple(value - 0.5 for value in one.log_probs))


@pytest.mark.parametrize(("kind", "step"), [(StaleEngine, "step 2"), (WrongEngine, "step 1")])
def test_an_engine_with_other_weights_stops_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[HfEngine], step: str
) -> None:
    """Before it is trained on samples of another policy for long."""
    monkeypatch.setattr(engine_host, "start_engine", lambda spec, log: kind())

    with pytest.raises(RunError, match=f"{step}: .*does not sample from the weights"):
        train(make_spec(tmp_path / "run", steps=4, lr=5e-4), Silence())


def test_weights_for_the_engine_are_removed(tmp_path: Path) -> None:
    """They lie in memory; those of a killed process are replaced by the next."""
    policy = Policy(DEMO, dtype=torch.float32)
    spec = make_spec(tmp_path).rollout_spec()
    with EngineHost(spec, tmp_path, DEMO) as host:
        host.start_up()
        host.load(policy, 64)
        killed = host.weights
        assert (killed / "model.safetensors").exists()
        with EngineHost(spec, tmp_path, DEMO) as following:
            following.start_up()
            following.load(policy, 64)
            assert following.weights == killed

    assert not killed.exists()
