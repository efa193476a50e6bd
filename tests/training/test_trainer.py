"""The loop: what the network sees, what is kept, and what happens when something goes wrong."""

from __future__ import annotations

import csv
import io
import math
import re
import signal
import threading

import numpy as np
import pytest
from fake_network import FakeNetwork, stripes

from darkpy.data import open_dataset
from darkpy.engine.simd import get_num_threads
from darkpy.errors import ArgumentError, DataError, TrainingError
from darkpy.training.callbacks import Callback
from darkpy.training.progress import BarProgress, LineProgress, progress_for
from darkpy.training.stream import sample_stream
from darkpy.training.trainer import train


@pytest.fixture
def data(rng):
    return (*stripes(rng, 29), *stripes(rng, 11))


def learn(net, data, tmp_path, **arguments):
    return train(net, data, out=tmp_path / "out", progress=False, **arguments)


def test_it_learns_and_says_so(tmp_path, data):
    net = FakeNetwork()
    history = learn(net, data, tmp_path, epochs=12)
    assert len(history.epochs) == 12
    assert net.update_count == len(history.losses) == 12 * 29 // 8
    assert history.epochs[-1].top1 == 1
    assert history.losses[-1] < 0.5 * history.losses[0]
    assert history.losses[0] == pytest.approx(math.log(3), rel=1e-6)  # weights are 0 at first
    assert re.fullmatch(
        r"Trained tiny for 11\.9 epochs in \d+ s: 100\.0 % of the 11 held-back photos are named"
        r" correctly; weights in .*/out/tiny_final\.weights",
        str(history),
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "tiny_last.weights",
        "tiny_last.momentum",
        "tiny_best.weights",
        "tiny_final.weights",
        "tiny.names",
        "tiny_history.csv",
    }


def test_the_csv_has_a_line_an_epoch(tmp_path, rng):
    history = learn(FakeNetwork(), (*stripes(rng, 24), *stripes(rng, 11)), tmp_path, epochs=3)
    text = (tmp_path / "out" / "tiny_history.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    assert [int(row["images"]) for row in rows] == [24, 48, 72]
    assert float(rows[-1]["top1"]) == pytest.approx(history.epochs[-1].top1)
    assert rows[-1]["top5"] == ""  # three classes only


def test_every_update_is_full_and_no_photo_is_dropped(tmp_path, data):
    net = FakeNetwork()
    learn(net, data, tmp_path, epochs=8)  # 8 * 29 = 29 updates of 8
    assert net.seen == 8 * 29
    photos = (data[0] / np.float32(255)).astype(np.float32)
    numbers = {photo.tobytes(): index for index, photo in enumerate(photos)}
    order = [numbers[photo.tobytes()] for step in net.steps for photo in step]
    epochs = np.array(order).reshape(8, 29)
    for epoch in epochs:
        assert sorted(epoch) == list(range(29))
    assert len({tuple(epoch) for epoch in epochs}) == 8


def test_epochs_end_where_their_last_full_update_ends(tmp_path, data):
    history = learn(FakeNetwork(), data, tmp_path, epochs=3)
    assert [record.updates for record in history.epochs] == [29 // 8, 58 // 8, 87 // 8]


def test_fewer_photos_than_an_update_takes(tmp_path, rng):
    net = FakeNetwork(batch=16)
    history = learn(net, stripes(rng, 5), tmp_path, epochs=10)
    assert net.update_count == 50 // 16
    assert [record.epoch for record in history.epochs] == [3, 6, 9]
    learn(FakeNetwork(batch=16), stripes(rng, 5), tmp_path, epochs=1)  # one update at least


def test_without_epochs_max_batches_ends_it(tmp_path, data):
    net = FakeNetwork(max_batches=9)
    history = learn(net, data, tmp_path)
    assert net.update_count == 9
    assert history.epochs[-1].updates == 9  # the last, incomplete epoch is measured, too
    with pytest.raises(ArgumentError, match="nothing is left"):
        learn(net, data, tmp_path)
    learn(net, data, tmp_path, clear=True)
    assert net.update_count == 9
    net = FakeNetwork(max_batches=9)
    learn(net, data, tmp_path, epochs=100)
    assert net.update_count == 9
    with pytest.raises(ArgumentError, match="say how many epochs"):
        learn(FakeNetwork(), data, tmp_path)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_same_weights_for_any_number_of_threads(tmp_path, data, threads):
    def result(count):
        net = FakeNetwork()
        net.options.written = ("max_crop",)
        net.options.min_crop, net.options.max_crop = 4, 6
        learn(net, data, tmp_path, epochs=2, seed=3, threads=count)
        return net.weights

    before = get_num_threads()
    np.testing.assert_array_equal(result(threads), result(1))
    assert get_num_threads() == before


def test_label_smoothing_is_for_training_alone(tmp_path, data):
    truths = []

    class Spy(FakeNetwork):
        def train_step(self, x, truth):
            truths.append(truth.copy())
            return super().train_step(x, truth)

    net = Spy()
    net.options.label_smooth_eps = 0.5
    learn(net, data, tmp_path, epochs=1)
    assert set(np.unique(truths)) == {0.25, 0.5}


def test_another_seed_is_another_order(tmp_path, data):
    one, same, other = FakeNetwork(), FakeNetwork(), FakeNetwork()
    for net, seed in ((one, 0), (same, 0), (other, 1)):
        learn(net, data, tmp_path, epochs=1, seed=seed)
    np.testing.assert_array_equal(one.steps, same.steps)
    assert not np.array_equal(one.steps, other.steps)


def test_training_goes_on_where_it_stopped(tmp_path, data):
    whole = FakeNetwork(max_batches=12)
    learn(whole, data, tmp_path)
    parts = FakeNetwork(max_batches=5)
    learn(parts, data, tmp_path)
    parts.options.max_batches = 12
    learn(parts, data, tmp_path)
    np.testing.assert_array_equal(parts.weights, whole.weights)


def test_other_photos_to_validate_with(tmp_path, rng):
    history = learn(FakeNetwork(), stripes(rng, 24), tmp_path, epochs=1, valid=stripes(rng, 6))
    assert history.valid_count == 6
    assert history.epochs[0].top1 is not None
    history = learn(FakeNetwork(), stripes(rng, 24), tmp_path, epochs=1, name="alone")
    assert history.epochs[0].top1 is None
    assert "none held back" in str(history)
    assert not (tmp_path / "out" / "alone_best.weights").exists()


def test_best_is_the_best_epoch(tmp_path, data):
    """The network gets worse after its second epoch."""

    class Spoil(Callback):
        def on_epoch(self, run, record):
            if record.epoch == 6:
                run.net.weights = -run.net.weights

    net = FakeNetwork()
    history = learn(net, data, tmp_path, epochs=7, callbacks=[Spoil()])
    best = FakeNetwork()
    best.load_weights(tmp_path / "out" / "tiny_best.weights")
    assert best.update_count == history.best.updates
    assert history.best.top1 > history.epochs[-1].top1


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_ends_training(tmp_path, data, loss):
    net = FakeNetwork()
    net.fail_at = (12, loss)  # the second half of update 6
    with pytest.raises(TrainingError) as caught:
        learn(net, data, tmp_path, epochs=9)
    message = str(caught.value)
    assert f"the loss is {loss} at update 6 (learning rate 0.5)" in message
    assert "tiny_last.weights" in message
    assert len(re.findall(r"image \d+ of the training arrays", message)) == 4
    kept = FakeNetwork()
    kept.load_weights(tmp_path / "out" / "tiny_last.weights")
    assert kept.update_count == 3  # after the first epoch
    assert not (tmp_path / "out" / "tiny_final.weights").exists()


def test_a_step_that_breaks_is_told_with_photos_and_weights(tmp_path, data):
    net = FakeNetwork()
    net.fail_at = (12, TrainingError("layer 3 broke"))
    with pytest.raises(
        TrainingError, match=r"layer 3 broke; the last good .*tiny_last.*photos were"
    ):
        learn(net, data, tmp_path, epochs=9)


def test_a_batch_too_large_for_the_memory_is_refused_before_anything_is_learned(tmp_path, data):
    net = FakeNetwork()
    net.too_large = True
    with pytest.raises(TrainingError, match="too large"):
        learn(net, data, tmp_path, epochs=9)
    assert not net.steps
    assert not (tmp_path / "out").exists()


class Interrupt(Callback):
    """Sends Ctrl-C at an update."""

    def __init__(self, at):
        self.at = at

    def on_update(self, run, update):
        if update.number == self.at:
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_saves_and_leaves_whole_weights(tmp_path, data):
    net = FakeNetwork()
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match=r"Interrupted the training of tiny after 1\.4 ep"):
        learn(net, data, tmp_path, epochs=9, callbacks=[Interrupt(5)])
    assert signal.getsignal(signal.SIGINT) is before
    kept = FakeNetwork()
    kept.load_weights(tmp_path / "out" / "tiny_last.weights")
    assert kept.update_count == 5
    np.testing.assert_array_equal(kept.weights, net.weights)


def test_a_second_ctrl_c_raises_at_once_and_saves(tmp_path, data):
    with pytest.raises(KeyboardInterrupt):
        learn(FakeNetwork(), data, tmp_path, epochs=9, callbacks=[Interrupt(2), Interrupt(2)])
    assert (tmp_path / "out" / "tiny_last.weights").exists()


def test_weights_that_an_interrupt_cut_in_half_are_not_saved(tmp_path, data):
    class Torn(FakeNetwork):
        def train_step(self, x, truth):
            if self.update_count == 5:
                raise KeyboardInterrupt
            return super().train_step(x, truth)

    with pytest.raises(KeyboardInterrupt, match="tiny_last"):
        learn(Torn(), data, tmp_path, epochs=9)
    kept = FakeNetwork()
    kept.load_weights(tmp_path / "out" / "tiny_last.weights")
    assert kept.update_count == 3


def test_a_callback_can_stop_it(tmp_path, data):
    class Stop(Callback):
        def on_epoch(self, run, record):
            run.stop = record.epoch == 2

    history = learn(FakeNetwork(), data, tmp_path, epochs=9, callbacks=[Stop()])
    assert len(history.epochs) == 2
    assert history.is_interrupted


def test_training_works_outside_the_main_thread(tmp_path, data):
    results = []
    worker = threading.Thread(
        target=lambda: results.append(learn(FakeNetwork(), data, tmp_path, epochs=1))
    )
    worker.start()
    worker.join()
    assert len(results) == 1


def test_an_error_in_a_photo_ends_training_and_its_threads(tmp_path, data):
    dataset = open_dataset(data).train
    sample = dataset.sample

    def broken(index, channels):
        if index == 17:
            raise DataError("17.jpg", 0, "cannot be decoded")
        return sample(index, channels)

    dataset.sample = broken
    with pytest.raises(DataError, match=r"17\.jpg"):
        learn(FakeNetwork(), dataset, tmp_path, epochs=1)
    assert not [thread for thread in threading.enumerate() if "darkpy-data" in thread.name]


def test_data_must_fit_the_network(tmp_path, data):
    with pytest.raises(DataError, match="3 classes, but tiny has 5"):
        learn(FakeNetwork(classes=5), data, tmp_path, epochs=1)
    with pytest.raises(DataError, match="1 channel, the network takes 3"):
        learn(FakeNetwork(shape=(3, 4, 4)), data, tmp_path, epochs=1)
    with pytest.raises(DataError, match="2 classes to validate with, 3 to train with"):
        learn(FakeNetwork(), data, tmp_path, epochs=1, valid=(data[0][:2], np.array([0, 1])))


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"seed": 1 << 64}, {"epochs": 0}, {"threads": 0}])
def test_arguments_are_checked(tmp_path, data, wrong):
    with pytest.raises(ArgumentError):
        learn(FakeNetwork(), data, tmp_path, **{"epochs": 1, **wrong})


def test_a_folder_that_cannot_be_made(tmp_path, data):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(TrainingError, match="out"):
        learn(FakeNetwork(), data, tmp_path, epochs=1)


def test_plain_lines_where_there_is_no_terminal(tmp_path, data):
    stream = io.StringIO()
    reporter = progress_for(stream)
    assert isinstance(reporter, LineProgress)
    learn(FakeNetwork(), data, tmp_path, epochs=2, callbacks=[reporter])
    lines = stream.getvalue().splitlines()
    assert lines[0] == "tiny learns from 29 photos, 11 are held back: 7 updates of 8 photos"
    assert len(lines) == 3
    assert re.match(r"epoch 1/2  loss \d\.\d{4}  \d+\.\d % of 11 held-back photos right", lines[1])


def test_the_bar_shows_loss_and_speed(tmp_path, data):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    reporter = progress_for(stream)
    assert isinstance(reporter, BarProgress)
    learn(FakeNetwork(), data, tmp_path, epochs=2, callbacks=[reporter])
    assert "images/s" in stream.getvalue()
    assert "held-back photos right" in stream.getvalue()


def test_sample_stream_is_permutations():
    stream = sample_stream(5, 1)
    keys = [next(stream) for _ in range(15)]
    for epoch in range(3):
        part = keys[5 * epoch : 5 * epoch + 5]
        assert [key[0] for key in part] == [epoch] * 5
        assert sorted(key[1] for key in part) == list(range(5))
    later = sample_stream(5, 1, start=7)
    assert [next(later) for _ in range(8)] == keys[7:]
