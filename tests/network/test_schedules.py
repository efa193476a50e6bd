"""Learning-rate policies against values worked out by hand and against their plain definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkpy.config.net_options import NetOptions, read_net
from darkpy.config.net_table import POLICIES
from darkpy.config.sections import parse_cfg
from darkpy.errors import ArgumentError, TrainingError
from darkpy.network.schedules import SCHEDULES, learning_rate_at


def net_of(body: str) -> NetOptions:
    return read_net(parse_cfg(f"[net]\ninputs=1\nlearning_rate=.5\n{body}", "x.cfg")[0])


CASES = [
    ("", {0: 0.5, 1: 0.5, 10**9: 0.5}),
    ("policy=step\nstep=10\nscale=.1", {1: 0.5, 9: 0.5, 10: 0.05, 19: 0.05, 20: 0.005}),
    ("policy=steps\nsteps=10,20\nscales=.1,4", {9: 0.5, 10: 0.05, 19: 0.05, 20: 0.2, 99: 0.2}),
    # The search ends at the first step that is ahead, even if a later one is not.
    ("policy=steps\nsteps=-1,50,20\nscales=.1,10,2", {1: 0.05, 30: 0.05, 50: 1.0}),
    ("policy=exp\ngamma=.5", {1: 0.25, 3: 0.0625}),
    ("policy=poly\nmax_batches=10", {0: 0.5, 5: 0.5 / 16, 10: 0.0, 11: 0.0, 10**6: 0.0}),
    ("policy=poly\nmax_batches=10\npower=1", {1: 0.45, 9: 0.05}),
    ("policy=sigmoid\ngamma=2\nstep=5", {5: 0.25, 6: 0.5 / (1 + math.exp(2)), 10**6: 0.0}),
    ("policy=sigmoid\ngamma=2\nstep=5000", {1: 0.5}),
    ("burn_in=10", {0: 0.0, 1: 0.5e-4, 5: 0.5 / 16, 9: 0.5 * 0.9**4, 10: 0.5}),
    ("burn_in=10\npower=1\npolicy=step\nstep=5\nscale=.1", {5: 0.25, 10: 0.005}),
    (
        "policy=sgdr\nsgdr_cycle=10\nlearning_rate_min=.1",
        # Cycles of 10 and 20 updates; the last update of a cycle has the lowest rate.
        {0: 0.5, 5: 0.3, 10: 0.1, 20: 0.3, 30: 0.1, 50: 0.3, 70: 0.1},
    ),
    (
        "policy=sgdr\nmax_batches=10\nsgdr_mult=1\nlearning_rate_min=.1",
        {0: 0.5, 5: 0.3, 10: 0.1, 15: 0.3, 20: 0.1, 10**12 + 5: 0.3},
    ),
]


@pytest.mark.parametrize(("body", "rates"), CASES)
def test_rates(body: str, rates: dict[int, float]) -> None:
    net = net_of(body)
    for update, rate in rates.items():
        assert learning_rate_at(net, update) == pytest.approx(rate, rel=1e-12, abs=1e-15)


def test_random_policy_draws_from_the_given_generator() -> None:
    net = net_of("policy=random\npower=2")
    drawn = [learning_rate_at(net, 1, np.random.default_rng(7)) for _ in range(2)]
    assert drawn[0] == drawn[1] == 0.5 * np.random.default_rng(7).random() ** 2
    rng = np.random.default_rng(7)
    rates = [learning_rate_at(net, 1, rng) for _ in range(2000)]
    assert np.mean(rates) == pytest.approx(0.5 / 3, rel=0.1)
    with pytest.raises(ArgumentError, match="needs a random generator, rng"):
        learning_rate_at(net, 1)


@pytest.mark.parametrize(
    "policy",
    [
        "policy=exp\ngamma=2",
        "policy=step\nscale=9",
        f"policy=steps\nsteps=0{',1' * 8}\nscales=1{',3e38' * 8}",
    ],
)
def test_a_rate_that_overflows_is_an_error(policy: str) -> None:
    net = net_of(policy)
    with pytest.raises(TrainingError) as caught:
        learning_rate_at(net, 10**6)
    assert str(caught.value) == (
        f"x.cfg: policy={net.policy} gives no finite learning rate at update 1000000"
    )


def test_updates_are_not_negative() -> None:
    with pytest.raises(ArgumentError, match="update must be >= 0, got -1"):
        learning_rate_at(net_of(""), -1)


@given(st.integers(1, 50), st.integers(1, 4), st.integers(0, 3000))
def test_sgdr_equals_the_plain_walk(cycle: int, growth: int, t: int) -> None:
    net = net_of(f"policy=sgdr\nsgdr_cycle={cycle}\nsgdr_mult={growth}\nlearning_rate_min=.1")
    start = 0
    while start + cycle < t:
        start, cycle = start + cycle, cycle * growth
    expected = 0.1 + 0.2 * (1 + math.cos(math.pi * (t - start) / cycle))
    assert learning_rate_at(net, t) == pytest.approx(expected, rel=1e-12)


def test_every_policy_of_the_option_table_has_a_rate_and_the_other_way_round() -> None:
    assert sorted(SCHEDULES) == sorted(POLICIES)
