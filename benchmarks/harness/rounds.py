"""Rounds: contenders take turns, so that a disturbance of the machine meets all of them."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from harness.process import Worker, WorkerError, cold_start

__all__ = ["Entry", "Result", "measure", "measure_cold", "say"]


@dataclass(frozen=True)
class Entry:
    """A contender, the files it is given, and variables of its environment."""

    name: str
    task: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Result:
    """What was measured: seconds of every repetition, peak memory in bytes, its answer."""

    name: str
    times: list[float] = field(default_factory=list)
    peak: int = 0
    answer: np.ndarray[Any, Any] | None = None
    note: str = ""

    @property
    def best(self) -> float:
        """Seconds of the fastest repetition; infinity when there is none."""
        return min(self.times, default=float("inf"))

    @property
    def median(self) -> float:
        """Seconds of the median repetition; infinity when there is none."""
        return statistics.median(self.times) if self.times else float("inf")


def say(*words: object) -> None:
    """Print progress where it does not mix with results."""
    print(*words, file=sys.stderr, flush=True)


def measure(
    entries: Sequence[Entry], *, rounds: int, seconds: float, least: int = 2, quiet: bool = False
) -> list[Result]:
    """Run all contenders in turn.

    Parameters
    ----------
    entries : sequence of Entry
        In the order of the table.
    rounds : int
        Turns of each contender; the order is turned around from round to round.
    seconds, least
        Each turn repeats the run for that many seconds, and at least that many times, after one run
        that does not count.
    quiet : bool
        Do not say who starts and who cannot.

    Returns
    -------
    list of Result
        One per entry; where a contender failed, `note` says why and `times` is empty.
    """
    results = [Result(entry.name) for entry in entries]
    workers: dict[int, Worker] = {}
    try:
        for index, entry in enumerate(entries):
            if not quiet:
                say("  starting", entry.name)
            try:
                workers[index] = Worker(entry.task, entry.environment)
                results[index].answer = _answer(workers[index])
            except WorkerError as error:
                _fail(results[index], workers.pop(index, None), error, quiet)
        for turn in range(rounds):
            order = sorted(workers, reverse=turn % 2 == 1)
            for index in order:
                try:
                    reply = workers[index].ask(measure=seconds, least=least)
                    results[index].times += reply["times"]
                    results[index].peak = reply["peak"]
                except WorkerError as error:
                    _fail(results[index], workers.pop(index), error, quiet)
    finally:
        for worker in workers.values():
            worker.close()
    return results


def measure_cold(entries: Sequence[Entry], *, rounds: int) -> list[Result]:
    """Start every contender's process `rounds` times, in turn, after one that does not count."""
    results = [Result(entry.name) for entry in entries]
    for turn in range(rounds + 1):
        for entry, result in zip(entries, results, strict=True):
            if result.note:
                continue
            try:
                seconds, peak = cold_start(entry.task, entry.environment)
            except WorkerError as error:
                result.note = str(error)
                continue
            if turn:
                result.times.append(seconds)
                result.peak = max(result.peak, peak)
    return results


def _answer(worker: Worker) -> np.ndarray[Any, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answer.npy"
        worker.ask(answer=str(path))
        answer: np.ndarray[Any, Any] = np.load(path)
        return answer


def _fail(result: Result, worker: Worker | None, error: WorkerError, quiet: bool) -> None:
    if worker is not None:
        worker.close()
    result.times = []
    result.note = str(error)[:160]
    if not quiet:
        say(f"  {result.name} cannot: {result.note}")
