"""Running again and again, with any batch sizes, takes no more memory than running once."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from graphs import GRAPHS, HEAD, TAIL
from network_pair import Pair

from darkpy.network.network import Network
from darkpy.network.plans import MAX_PLANS, Plans


def resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return 4096 * pages


def large_inception() -> Pair:
    head = HEAD.replace("height=6", "height=40").replace("width=5", "width=40")
    return Pair(head + GRAPHS["inception"] + TAIL)


@pytest.fixture
def pair() -> Pair:
    return large_inception()


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


def test_a_plan_is_made_once_per_batch_size_and_few_are_kept(pair: Pair) -> None:
    plans = Plans(pair.net)
    for batch in range(1, 2 * MAX_PLANS):
        plan = plans.get(batch)
        assert plans.get(batch) is plan
        assert plan.batch == batch
        assert len(plans) == min(batch, MAX_PLANS)
    plans.clear()
    assert len(plans) == 0


def test_large_batches_run_in_pieces(pair: Pair) -> None:
    def peak(net: Network, x: np.ndarray) -> int:
        tracemalloc.start()
        net.predict(x)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    x = pair.photos(240)
    assert peak(pair.net, x) < 1.5 * peak(large_inception().net, x[:40])
    out, piece = pair.net.predict(x), pair.net.predict(x[50:53])
    np.testing.assert_allclose(out[50:53], piece, rtol=1e-5, atol=1e-6)


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
