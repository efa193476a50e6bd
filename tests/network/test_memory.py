"""Running again and again, with any batch sizes, takes no more memory than running once."""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import numpy as np
import pytest
from graphs import GRAPHS, HEAD, TAIL
from network_pair import Pair

from darkpy.network.plans import MAX_PLANS


def resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return 4096 * pages


@pytest.fixture
def pair() -> Pair:
    head = HEAD.replace("height=6", "height=40").replace("width=5", "width=40")
    return Pair(head + GRAPHS["inception"] + TAIL)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_memory_stays(pair: Pair) -> None:
    net = pair.net
    inputs = {batch: pair.photos(batch) for batch in (1, 2, 3, 5, 9, 17)}
    truth = pair.truth()

    def everything() -> None:
        for batch, x in inputs.items():
            net.predict(x)
            if batch < 6:
                net.activations(x)
        net.train_step(inputs[2], truth)
        net.train_step(inputs[2], truth, keep=True)

    for _ in range(2):
        everything()
    gc.collect()
    before = resident()
    for _ in range(5):
        everything()
    gc.collect()
    assert resident() - before < 8 << 20
    assert len(net._plans) <= MAX_PLANS


def test_a_plan_is_made_once_per_batch_size(pair: Pair) -> None:
    x = pair.photos(2)
    pair.net.predict(x)
    wanted = (pair.net.answer.index,)
    plan = pair.net._plans.get(2, wanted=wanted)
    pair.net.predict(x)
    assert pair.net._plans.get(2, wanted=wanted) is plan


def test_large_batches_run_in_pieces(pair: Pair) -> None:
    x = pair.photos(100)
    out = pair.net.predict(x)
    np.testing.assert_allclose(out[50:53], pair.net.predict(x[50:53]), rtol=1e-5, atol=1e-6)
    assert max(key[0] for key in pair.net._plans._plans) <= 32


def test_one_network_serves_several_threads(pair: Pair) -> None:
    inputs = [pair.photos(batch) for batch in (1, 2, 3, 4)]
    expected = [pair.net.predict(x) for x in inputs]
    wrong: list[int] = []

    def work(k: int) -> None:
        for _ in range(10):
            if not np.array_equal(pair.net.predict(inputs[k]), expected[k]):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
