"""Progress display: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import sys
from typing import Any, TextIO

from darkpy.training.callbacks import Callback, Run, Update
from darkpy.training.history import EpochRecord, duration, percent

__all__ = ["BarProgress", "LineProgress", "progress_for"]


def progress_for(stream: TextIO | None = None) -> Callback:
    """Return the bar if `stream` (default: stderr) is a terminal, else the lines."""
    stream = stream or sys.stderr
    return BarProgress(stream) if stream.isatty() else LineProgress(stream)


def epoch_line(run: Run, record: EpochRecord) -> str:
    """Return an epoch's numbers as a line."""
    epochs = str(math.ceil(run.epochs))
    parts = [f"epoch {record.epoch:{len(epochs)}d}/{epochs}", f"loss {record.loss:.4f}"]
    if record.top1 is not None:
        text = f"{percent(record.top1)} of {run.history.valid_count:,} held-back photos right"
        if record.top_k is not None:
            text += f" (top-{run.history.k} {percent(record.top_k)})"
        parts.append(text)
    parts += [
        f"rate {record.learning_rate:.3g}",
        f"{record.images_per_second:,.0f} images/s",
        duration(record.seconds),
    ]
    return "  ".join(parts)


class LineProgress(Callback):
    """A line when training starts and one after each epoch."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def on_start(self, run: Run) -> None:
        """Write the line about what will be trained."""
        self.write(_opening(run))

    def on_epoch(self, run: Run, record: EpochRecord) -> None:
        """Write the epoch's line."""
        self.write(epoch_line(run, record))

    def write(self, line: str) -> None:
        """Write a line and flush it."""
        print(line, file=self.stream, flush=True)


class BarProgress(Callback):
    """A bar over the whole training (images/s, time left, loss) and a line after each epoch."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.bar: Any = None
        self.images = 0

    def on_start(self, run: Run) -> None:
        """Draw the empty bar."""
        from tqdm import tqdm

        print(_opening(run), file=self.stream, flush=True)
        self.images = run.images_per_update
        self.bar = tqdm(
            total=run.updates * run.images_per_update,
            file=self.stream,
            unit=" images",
            desc="epoch 1",
            dynamic_ncols=True,
            smoothing=0.1,
            leave=False,
            bar_format="{desc} |{bar}| {percentage:3.0f} % {rate_fmt} left {remaining}{postfix}",
        )

    def on_update(self, run: Run, update: Update) -> None:
        """Move the bar."""
        self.bar.set_postfix_str(
            f"loss {update.average:.4f}, rate {update.learning_rate:.3g}", refresh=False
        )
        self.bar.update(self.images)

    def on_epoch(self, run: Run, record: EpochRecord) -> None:
        """Write the epoch's line above the bar."""
        self.bar.write(epoch_line(run, record), file=self.stream)
        self.bar.set_description_str(f"epoch {record.epoch + 1}", refresh=False)

    def on_end(self, run: Run) -> None:
        """Remove the bar."""
        if self.bar is not None:
            self.bar.close()


def _opening(run: Run) -> str:
    """Return the first line: the network, the numbers of photos and of updates."""
    history = run.history
    text = f"{history.name} learns from {history.train_count:,} photos"
    if history.valid_count:
        text += f", {history.valid_count:,} are held back"
    return f"{text}: {run.updates:,} updates of {run.images_per_update:,} photos"
