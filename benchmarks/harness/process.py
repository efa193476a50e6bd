"""One contender in a process of its own, asleep while others are measured."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.machine import clean_environment

__all__ = ["Worker", "WorkerError", "cold_start"]

SCRIPT = Path(__file__).resolve().parent.parent / "worker.py"


class WorkerError(Exception):
    """The worker ended or refused; the text is the last line that it wrote."""


class Worker:
    """A process that loads one contender and then runs it when told to.

    Between its turns it is stopped by a signal, so that no pool of threads spins while others are
    measured.

    Parameters
    ----------
    task : mapping
        What `contenders.make` is given in the process: job, module, mode, threads and files.
    environment : mapping, optional
        Variables on top of the clean environment.

    Raises
    ------
    WorkerError
        The contender cannot do the task.
    """

    def __init__(
        self, task: Mapping[str, Any], environment: Mapping[str, str] | None = None
    ) -> None:
        self._errors = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [sys.executable, str(SCRIPT), json.dumps(task)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=clean_environment(task["threads"], environment),
        )
        try:
            self._receive()
        except BaseException:
            self.close()
            raise
        self._signal(signal.SIGSTOP)

    def ask(self, **request: Any) -> dict[str, Any]:
        """Wake the worker, let it answer one request, put it to sleep."""
        assert self._process.stdin is not None
        self._signal(signal.SIGCONT)
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(self._last_words()) from None
        reply = self._receive()
        self._signal(signal.SIGSTOP)
        return reply

    def close(self) -> None:
        """End the process."""
        self._signal(signal.SIGCONT)
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                stream.close()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise WorkerError(self._last_words())
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise WorkerError(reply["error"])
        return reply

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors.read().splitlines() if line.strip()]
        return lines[-1] if lines else f"ended with status {self._process.returncode}"

    def _signal(self, number: int) -> None:
        if self._process.poll() is None:
            os.kill(self._process.pid, number)


def cold_start(
    task: Mapping[str, Any], environment: Mapping[str, str] | None = None
) -> tuple[float, int]:
    """Start a process that loads the contender and predicts once.

    Returns
    -------
    seconds : float
        From the start of the process to the end of its first prediction.
    peak : int
        Its peak memory in bytes.
    """
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), "--once", json.dumps(task)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=clean_environment(task["threads"], environment),
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = time.perf_counter() - start
    if not line or process.returncode:
        raise WorkerError(f"ended with status {process.returncode}")
    reply = json.loads(line)
    if "error" in reply:
        raise WorkerError(reply["error"])
    return seconds, int(reply["peak"])
