"""The process of one contender, started by harness/process.py: JSON lines on stdin and stdout."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import numpy as np

import contenders
from harness.machine import peak_memory


def times(contender: contenders.Contender, seconds: float, least: int) -> list[float]:
    """Repeat the run for `seconds`, at least `least` times, after one that does not count."""
    contender.run()
    measured: list[float] = []
    end = time.perf_counter() + seconds
    while len(measured) < least or time.perf_counter() < end:
        start = time.perf_counter()
        contender.run()
        measured.append(time.perf_counter() - start)
    return measured


def serve(contender: contenders.Contender, request: dict[str, Any]) -> dict[str, Any]:
    """Answer one request."""
    if "answer" in request:
        np.save(request["answer"], contender.answer())
        return {}
    measured = times(contender, request["measure"], request["least"])
    return {"times": measured, "peak": peak_memory()}


def main() -> None:
    """Load the contender; answer requests until stdin ends, or with --once run it once."""
    # Contenders print what they like: their stdout becomes stderr, the replies keep the real one.
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    once = sys.argv[1] == "--once"
    try:
        contender = contenders.make(json.loads(sys.argv[-1]))
        if once:
            contender.run()
            replies.write(json.dumps({"peak": peak_memory()}) + "\n")
            replies.flush()
            os._exit(0)
        replies.write("{}\n")
        for line in sys.stdin:
            replies.write(json.dumps(serve(contender, json.loads(line))) + "\n")
    except Exception as error:  # whatever a peer raises becomes a line of the table
        message = (str(error).strip() or type(error).__name__).splitlines()[0]
        replies.write(json.dumps({"error": f"{type(error).__name__}: {message}"}) + "\n")


if __name__ == "__main__":
    main()
