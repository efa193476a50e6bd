"""Ctrl-C during training: the update is finished first, so that the weights are whole."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interruption"]

NOTICE = b"\nStopping after this update; press Ctrl-C again to stop at once.\n"


class Interruption:
    """While entered, the first SIGINT only sets `requested`; a second one raises as usual.

    Does nothing outside the main thread, where Python delivers no signals.
    """

    def __init__(self, *, say: bool) -> None:
        self.requested = False
        self.say = say
        self._previous: Any = None

    def __enter__(self) -> Interruption:
        """Take over SIGINT, unless it is ignored."""
        if threading.current_thread() is threading.main_thread():
            previous = signal.getsignal(signal.SIGINT)
            if previous not in (signal.SIG_IGN, None):
                self._previous = previous
                signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Restore the earlier handler of SIGINT."""
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        """Handle the first SIGINT."""
        self.requested = True
        self._restore()
        if self.say:
            os.write(2, NOTICE)  # not print: this may run in the middle of a print

    def _restore(self) -> None:
        """Install the earlier handler again."""
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None
