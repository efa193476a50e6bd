"""History: the numbers of a training, for each update and each epoch."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

from darkpy.errors import TrainingError
from darkpy.files import not_written, replaced

__all__ = ["EpochRecord", "History", "duration", "percent"]


@dataclass(frozen=True)
class EpochRecord:
    """One epoch.

    Attributes
    ----------
    epoch : int
        Number of the epoch in this training, from 1.
    updates : int
        Updates of the network so far, including those before this training.
    images : int
        Photos seen in this training so far.
    loss : float
        Mean cost of an image over the epoch's updates.
    learning_rate : float
        The rate of the epoch's last update.
    seconds : float
        Time since the training began, with validation.
    images_per_second : float
        Speed of training, without validation.
    top1, top_k, valid_loss : float or None
        See `darkpy.training.evaluate.Evaluation`; None without held-back photos.
    """

    epoch: int
    updates: int
    images: int
    loss: float
    learning_rate: float
    seconds: float
    images_per_second: float
    top1: float | None = None
    top_k: float | None = None
    valid_loss: float | None = None


@dataclass
class History:
    """The course and the result of a training; its `str` is a sentence.

    Attributes
    ----------
    name : str
        The network's name.
    train_count, valid_count : int
        Numbers of training photos and of held-back photos.
    k : int
        The k of the top-k columns.
    epochs : list of EpochRecord
    losses : list of float
        Mean cost of an image, one for each update.
    seconds : float
        Duration of the training.
    weights : Path or None
        The last weights file written.
    is_interrupted : bool
        Whether a person or a callback ended the training early.
    """

    name: str
    train_count: int
    valid_count: int
    k: int = 5
    epochs: list[EpochRecord] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    images: int = 0
    weights: Path | None = None
    is_interrupted: bool = False

    @property
    def best(self) -> EpochRecord | None:
        """The first epoch with the highest top-1 share, if photos were held back."""
        measured = [record for record in self.epochs if record.top1 is not None]
        return max(measured, key=lambda record: record.top1 or 0.0, default=None)

    def write_csv(self, path: Path) -> None:
        """Write one line per epoch; the columns are `EpochRecord`'s fields, with top5 for top_k.

        Raises
        ------
        TrainingError
            The file cannot be written; an older one is left unchanged.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        columns = list(EpochRecord.__dataclass_fields__)
        writer.writerow([f"top{self.k}" if column == "top_k" else column for column in columns])
        for record in self.epochs:
            values = [getattr(record, column) for column in columns]
            writer.writerow([f"{v:.6g}" if isinstance(v, float) else v for v in values])
        try:
            with replaced(path) as file:
                file.write(text.getvalue().encode())
        except OSError as error:
            raise TrainingError(f"{path}: {not_written(error)}") from error

    def __str__(self) -> str:
        """Return one line: the network, the duration, the accuracy, and the weights file."""
        count = self.images / self.train_count
        epochs = f"{count:.1f}".removesuffix(".0")
        verb = "Interrupted the training of" if self.is_interrupted else "Trained"
        text = f"{verb} {self.name} {'after' if self.is_interrupted else 'for'} {epochs}"
        text += f" {'epoch' if epochs == '1' else 'epochs'} in {duration(self.seconds)}"
        last = self.epochs[-1] if self.epochs else None
        if last is not None and last.top1 is not None:
            text += (
                f": {percent(last.top1)} of the {self.valid_count:,} held-back photos are named"
                " correctly"
            )
        elif last is not None:
            text += f": loss {last.loss:.4g} on its {self.train_count:,} photos, none held back"
        return f"{text}; weights in {self.weights}" if self.weights else text


def duration(seconds: float) -> str:
    """Return a time as text: ``41 s``, ``2 min 21 s``, ``1 h 03 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def percent(share: float) -> str:
    """Return a share of 0..1 as a percentage with one decimal."""
    return f"{100 * share:.1f} %"
