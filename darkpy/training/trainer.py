"""The training loop: photos in, weights files and a history out.

``darkpy train`` calls `train`.  The rules of an update (momentum, decay, the learning rate's
policy, subdivisions) belong to the network. This module decides which photos the network sees, when
training ends, what is measured, and which files are written.
"""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from darkpy.data.augment import Augmentation
from darkpy.data.batches import Batch, InputShape, batches
from darkpy.data.dataset import Dataset, TrainingData
from darkpy.data.sources import Source, open_dataset
from darkpy.engine.simd import get_num_threads, set_num_threads
from darkpy.errors import ArgumentError, DataError, TrainingError, WeightsError
from darkpy.training.callbacks import Callback, Run, Update
from darkpy.training.checkpoints import Checkpoints, momentum_of
from darkpy.training.evaluate import Evaluation, evaluate
from darkpy.training.history import EpochRecord, History
from darkpy.training.interface import Network
from darkpy.training.interruption import Interruption
from darkpy.training.progress import progress_for
from darkpy.training.stream import sample_stream
from darkpy.training.whitening import whiten

__all__ = ["train"]

NAMED_PHOTOS = 8  # how many photos of a mini-batch an error names


def train(
    cfg: str | os.PathLike[str] | Network,
    data: Source,
    *,
    weights: str | os.PathLike[str] | None = None,
    valid: Source | None = None,
    epochs: int | None = None,
    seed: int = 0,
    out: str | os.PathLike[str] = "backup",
    threads: int | None = None,
    progress: bool = True,
    callbacks: Sequence[Callback] = (),
    name: str | None = None,
    clear: bool = False,
    memory: str = "normal",
    whitened: bool = False,
) -> History:
    """Train a classifier.

    Parameters
    ----------
    cfg : path or Network
        A .cfg file, a packaged cfg's name, or a network already loaded (then `weights` is not
        used).
    data : Source
        Training data, in any form that `darkpy.data.open_dataset` knows.
    weights : path, optional
        A .weights file to begin with.  From the last file of a training, with the same `seed`, that
        training continues as if it had not stopped: momentum is read from the .momentum file beside
        it.
    valid : Source, optional
        Photos to measure accuracy with after each epoch; by default those held back in `data`, if
        any.
    epochs : int, optional
        How often each photo is seen, at least 1; by default training lasts for the cfg's
        ``max_batches`` updates.  In any case it ends when the network has done that many.
    seed : int
        0 .. 2^64 - 1.  Seed of the first weights, of the order of the photos, and of their random
        changes.
    out : path
        Folder for the weights, the history as csv, and the class names; created if necessary.
    threads : int, optional
        Threads that compute, and the same number that prepare photos.  The result does not depend
        on it.
    progress : bool
        Show a bar on a terminal (lines elsewhere), on stderr.
    callbacks : sequence of Callback
        Called after each update and epoch.
    name : str, optional
        Name of the files in `out`; by default the network's.
    clear : bool
        Count updates from 0 again (``-clear``): for weights that were trained for another purpose.
    memory : {"high", "normal", "low"}
        How much is kept for the backward pass; see `darkpy.load`.
    whitened : bool
        Begin with first filters that whiten patches of the photos; see
        `darkpy.training.whitening.whiten`.  Cannot be combined with `weights`.

    Returns
    -------
    History
        ``str(history)`` is a sentence about the result.

    Raises
    ------
    TrainingError
        The loss or a weight is not finite; the message names the update, its learning rate, the
        layer and the photos.  Or a file cannot be written.  In both cases the last good weights are
        kept.  Or, before the first update, the batch does not fit the memory; the message names the
        largest that does.
    DataError, ConfigError, WeightsError, ArgumentError
        The input cannot be used.
    KeyboardInterrupt
        After Ctrl-C, when the update in progress is finished and the weights are saved as
        ``NAME_last.weights``.  After a second Ctrl-C within that update, at once: then the weights
        of the last epoch are kept.

    Notes
    -----
    An epoch is a permutation of the photos, drawn from `seed` and the epoch's number.  An update
    may span the end of an epoch: no photo is dropped and each update is full.  With the same seed
    and instruction set the weights are the same bits for any number of threads.
    """
    if not 0 <= seed < 1 << 64:
        raise ArgumentError(f"seed must be in 0 .. 2^64 - 1, not {seed}")
    if whitened and weights is not None:
        raise ArgumentError("whitened filters are for training that begins: leave out the weights")
    if epochs is not None and epochs < 1:
        raise ArgumentError(f"epochs must be at least 1, not {epochs}")
    opened = open_dataset(data)
    held_back = opened.valid if valid is None else _to_measure_with(valid)
    net = _network(cfg, weights, seed, clear, memory)
    if clear:
        net.seen = 0
    _check_truth(net, opened, held_back)
    if whitened:
        whiten(net, opened.train, seed, get_num_threads())
    net.prepare_training()
    before = get_num_threads()
    if threads is not None:
        set_num_threads(threads)
    try:
        trainer = _Trainer(net, opened, held_back, epochs, seed, Checkpoints(out, name or net.name))
        with Interruption(say=progress) as interruption:
            shown = [progress_for()] if progress else []
            try:
                trainer.run(interruption, [*shown, *callbacks])
            except KeyboardInterrupt:  # from a callback, or the second Ctrl-C
                raise KeyboardInterrupt(str(trainer.history)) from None
    finally:
        set_num_threads(before)
    if interruption.requested and trainer.history.is_interrupted:
        raise KeyboardInterrupt(str(trainer.history))
    return trainer.history


def _network(
    cfg: str | os.PathLike[str] | Network,
    weights: str | os.PathLike[str] | None,
    seed: int,
    clear: bool,
    memory: str,
) -> Any:
    """Return `cfg` if it is a network, else load it, with the momentum of its weights if any."""
    if not isinstance(cfg, (str, os.PathLike)):
        return cfg
    from darkpy.network.loading import load

    net = load(cfg, weights, seed=seed, memory=memory)
    if weights is not None and not clear and momentum_of(weights).is_file():
        try:
            net.load_momentum(momentum_of(weights))
        except WeightsError as error:
            warnings.warn(f"{error}; the updates begin without momentum", stacklevel=3)
    return net


def _to_measure_with(source: Source) -> Dataset:
    """Open a source of photos to validate with: its held-back photos, else all of them."""
    data = open_dataset(source)
    return data.valid or data.train


def _check_truth(net: Network, data: TrainingData, valid: Dataset | None) -> None:
    """Refuse data whose truths do not fit the network's costs."""
    shape = data.train.truth_shape
    if math.prod(shape) != net.truths:
        what = f"{len(data.names)} classes"
        if shape != (len(data.names),):
            what = f"truths of shape {shape}"
        raise DataError(
            data.train.origin, 0, f"{what}, but {net.name} has {net.truths} truth values an image"
        )
    if valid is not None and len(valid.names) != len(data.names):
        raise DataError(
            valid.origin,
            0,
            f"{len(valid.names)} classes to validate with, {len(data.names)} to train with",
        )


class _Trainer:
    """One training: its loop and its counters."""

    def __init__(
        self,
        net: Network,
        data: TrainingData,
        valid: Dataset | None,
        epochs: int | None,
        seed: int,
        checkpoints: Checkpoints,
    ) -> None:
        self.net = net
        self.data = data
        self.valid = valid
        self.seed = seed
        self.checkpoints = checkpoints
        self.pieces = int(net.options.subdivisions)
        self.images_per_update = net.mini_batch * self.pieces
        self.first = net.update_count
        count = len(data.train)
        updates = _update_count(net, epochs, count, self.images_per_update)
        self.history = History(
            checkpoints.name, count, len(valid) if valid is not None else 0, data.top
        )
        share = updates * self.images_per_update / count
        self.state = Run(net, self.history, share, updates, self.images_per_update)
        self.epoch_time = 0.0
        self.epoch_losses: list[float] = []
        self.average = 0.0
        self.is_updating = False  # if True, some weights may be old and others new
        self.rate = 0.0
        self.started = time.monotonic()

    def run(self, interruption: Interruption, callbacks: Sequence[Callback]) -> None:
        """Train until the end, an interruption or an error; fill the history."""
        state, history = self.state, self.history
        self.checkpoints.save_names(self.data.names)
        epoch = 0
        try:
            for callback in callbacks:
                callback.on_start(state)
            with closing(self._batches()) as stream:
                for number in range(1, state.updates + 1):
                    self._update(stream, number, callbacks)
                    epoch_ends = (epoch + 1) * history.train_count // self.images_per_update
                    interrupted = interruption.requested or state.stop
                    if number >= epoch_ends or (number == state.updates and not interrupted):
                        epoch = max(
                            epoch + 1, number * self.images_per_update // history.train_count
                        )
                        self._end_epoch(epoch, callbacks)
                        interrupted = interruption.requested or state.stop
                    if interrupted and number < state.updates:
                        history.is_interrupted = True
                        break
            self.checkpoints.save(self.net, "last" if history.is_interrupted else "final")
        except KeyboardInterrupt:
            history.is_interrupted = True
            if not self.is_updating:
                self.checkpoints.save(self.net, "last")
            raise
        finally:
            history.seconds = time.monotonic() - self.started
            history.weights = self.checkpoints.saved
            for callback in callbacks:
                callback.on_end(state)

    def _batches(self) -> Any:
        """Start the stream of training mini-batches."""
        net = self.net
        seen = self.first * self.images_per_update
        return batches(
            self.data.train,
            sample_stream(len(self.data.train), self.seed, seen),
            net.mini_batch,
            InputShape(net.channels, net.height, net.width),
            augmentation=Augmentation.from_options(net.options),
            smoothing=float(net.options.label_smooth_eps),
            seed=self.seed,
            threads=get_num_threads(),
        )

    def _update(self, stream: Iterator[Batch], number: int, callbacks: Sequence[Callback]) -> None:
        """Run the mini-batches of one update."""
        begin = time.monotonic()
        rate = float(self.net.learning_rate)
        cost = 0.0
        self.is_updating = True
        for _ in range(self.pieces):
            batch = next(stream)
            try:
                piece = float(self.net.train_step(batch.x, batch.truth.reshape(len(batch.x), -1)))
            except TrainingError as error:
                raise self._broken(str(error), batch) from error
            if not math.isfinite(piece):
                what = f"the loss is {piece} at update {self.first + number}"
                raise self._broken(f"{what} (learning rate {rate:.4g})", batch)
            cost += piece
        self.is_updating = False
        history = self.history
        loss = cost / self.images_per_update
        self.average = 0.9 * self.average + 0.1 * loss if history.losses else loss
        history.losses.append(loss)
        history.images += self.images_per_update
        self.epoch_losses.append(loss)
        self.rate = rate
        self.epoch_time += time.monotonic() - begin
        update = Update(number, loss, self.average, rate)
        for callback in callbacks:
            callback.on_update(self.state, update)

    def _end_epoch(self, epoch: int, callbacks: Sequence[Callback]) -> None:
        """Measure the accuracy, save the weights, write the history."""
        result = self._measure()
        losses, history = self.epoch_losses, self.history
        record = EpochRecord(
            epoch=epoch,
            updates=self.net.update_count,
            images=history.images,
            loss=sum(losses) / len(losses),
            learning_rate=self.rate,
            seconds=time.monotonic() - self.started,
            images_per_second=len(losses) * self.images_per_update / max(self.epoch_time, 1e-9),
            top1=result.top1 if result else None,
            top_k=result.top_k if result else None,
            valid_loss=result.loss if result else None,
        )
        history.epochs.append(record)
        self.epoch_losses, self.epoch_time = [], 0.0
        if history.best is record:
            self.checkpoints.save(self.net, "best")
        self.checkpoints.save(self.net, "last")
        self.checkpoints.save_history(history)
        for callback in callbacks:
            callback.on_epoch(self.state, record)

    def _measure(self) -> Evaluation | None:
        """Classify the held-back photos."""
        if self.valid is None:
            return None
        size = max(32, self.net.mini_batch)
        return evaluate(
            self.net, self.valid, batch=size, threads=get_num_threads(), k=self.history.k
        )

    def _broken(self, what: str, batch: Batch) -> TrainingError:
        """Return an error that also names the photos of the batch and the last good weights."""
        photos = [self.data.train.describe(index) for index in batch.indices[:NAMED_PHOTOS]]
        more = len(batch.indices) - len(photos)
        text = ", ".join(photos) + (f" and {more} more" if more > 0 else "")
        saved = self.checkpoints.saved
        kept = f"the last good weights are in {saved}" if saved else "no weights were saved yet"
        return TrainingError(f"{what}; {kept}; the photos were {text}")


def _update_count(net: Network, epochs: int | None, photos: int, images_per_update: int) -> int:
    """Return the number of updates in this training."""
    limit = int(net.options.max_batches)
    left = limit - net.update_count
    if limit and left <= 0:
        raise ArgumentError(
            f"{net.name} has done {net.update_count} updates already and max_batches is {limit}:"
            " nothing is left to train (clear counts from 0 again)"
        )
    if epochs is None:
        if not limit:
            raise ArgumentError(f"{net.name} sets no max_batches: say how many epochs")
        return left
    wanted = max(1, epochs * photos // images_per_update)
    return min(wanted, left) if limit else wanted
