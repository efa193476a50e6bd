"""The whole reference network: derivatives, update rules, policies, files."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest

from .network import ReferenceNetwork, read_cfg
from .numeric import numerical_gradient

NET = """
[net]
batch={batch}
subdivisions={subdivisions}
height=6
width=5
channels=2
learning_rate=0.1
momentum=0.9
decay=0.01
"""

# A network whose every layer sends the true derivative (cudnn batch norm, smooth activations).
TRUE = """
[convolutional]
batch_normalize=1
filters=4
size=3
pad=1
activation=tanh
[convolutional]
filters=4
size=1
groups=2
activation=swish
[shortcut]
from=-2
activation=logistic
[route]
layers=-3
groups=2
group_id=1
[normalization]
size=3
alpha=0.2
[route]
layers=-1,-3
[batchnorm]
[dropout]
probability=0.3
[local]
filters=3
size=3
pad=1
activation=elu
[upsample]
stride=2
[local_avgpool]
size=3
stride=2
[l2norm]
[reorg]
flatten=1
stride=1
[activation]
activation=gelu
[avgpool]
[connected]
output=4
batch_normalize=1
activation=tanh
[connected]
output=3
activation=linear
[softmax]
"""


def net_of(layers, batch=4, subdivisions=1, extra="", **options):
    return ReferenceNetwork(
        NET.format(batch=batch, subdivisions=subdivisions) + extra + layers, **options
    )


def data(rng, batch=4, classes=3):
    return rng.standard_normal((batch, 2, 6, 5)), np.eye(classes)[rng.integers(0, classes, batch)]


def test_every_update_is_minus_the_derivative(rng):
    x, truth = data(rng)
    kept = {}

    def keep(index, shape, probability):
        return kept.setdefault(index, rng.random(shape) >= probability)

    net = net_of(TRUE, batchnorm="cudnn", dropout_keep=keep, seed=3)
    for layer in net.layers:
        for name, value in layer.parameters.items():
            if name in ("biases", "scales"):
                layer.parameters[name] = value + 0.3 * rng.standard_normal(value.shape)
    net.forward(x, True, truth)
    net.backward()

    def loss():
        net.forward(x, True, truth)
        return net.cost()

    for layer in net.layers:
        for name in layer.updates:
            got, start = -layer.updates[name], layer.parameters[name]
            some = rng.choice(start.size, min(5, start.size), replace=False)

            def moved(values, layer=layer, name=name, start=start, some=some):
                changed = start.copy()
                changed.ravel()[some] = values
                layer.parameters[name] = changed
                return loss()

            expected = numerical_gradient(moved, start.ravel()[some])
            layer.parameters[name] = start
            np.testing.assert_allclose(
                got.ravel()[some], expected, 1e-5, 1e-7, err_msg=f"layer {layer.index} {name}"
            )
    delta, pixels = net.input_delta.ravel(), rng.choice(x.size, 10, replace=False)

    def at(values):
        changed = x.copy()
        changed.ravel()[pixels] = values
        net.forward(changed, True, truth)
        return net.cost()

    np.testing.assert_allclose(
        -delta[pixels], numerical_gradient(at, x.ravel()[pixels]), 1e-5, 1e-7
    )


def test_subdivisions_sum_to_the_whole_batch(rng):
    layers = "[avgpool]\n[connected]\noutput=3\nactivation=linear\n[softmax]"
    whole, parts = net_of(layers), net_of(layers, 4, 2)
    for _ in range(3):
        x, truth = data(rng)
        loss = whole.train_step(x, truth)
        pieces = [parts.train_step(x[i : i + 2], truth[i : i + 2]) for i in (0, 2)]
        assert loss == pytest.approx(sum(pieces))
    a, b = whole.weights_bytes(), parts.weights_bytes()
    np.testing.assert_allclose(np.frombuffer(a, "<f4"), np.frombuffer(b, "<f4"), 1e-6)
    assert (whole.seen, whole.updates_done(), parts.updates_done()) == (12, 3, 3)


def test_two_updates_by_hand(rng):
    net = net_of("[connected]\noutput=3\nactivation=linear\nlearning_rate=0.5\n[cost]")
    layer = net.layers[0]
    w, b = layer.parameters["weights"].copy(), layer.parameters["biases"].copy()
    buffer_w, buffer_b = np.zeros_like(w), np.zeros_like(b)
    for _ in range(2):
        x, truth = data(rng)
        flat = x.reshape(4, -1)
        error = truth - (flat @ w.T + b)
        assert net.train_step(x, truth) == pytest.approx((error**2).sum())
        buffer_w = buffer_w + error.T @ flat - 0.01 * 4 * w
        buffer_b = buffer_b + error.sum(0)
        w, b = w + 0.05 / 4 * buffer_w, b + 0.05 / 4 * buffer_b
        buffer_w, buffer_b = 0.9 * buffer_w, 0.9 * buffer_b
        np.testing.assert_allclose(layer.parameters["weights"], w)
        np.testing.assert_allclose(layer.parameters["biases"], b)


def test_adam_by_hand(rng):
    extra = "adam=1\nB1=0.8\nB2=0.95\neps=0.001\n"
    net = net_of("[connected]\noutput=3\nactivation=linear\n[cost]", extra=extra)
    layer = net.layers[0]
    b, mean, variance = np.zeros(3), np.zeros(3), np.zeros(3)
    for t in (1, 2, 3):
        x, truth = data(rng)
        error = truth - (x.reshape(4, -1) @ layer.parameters["weights"].T + b)
        gradient = error.sum(0) - 0.01 * 4 * b
        mean = 0.8 * mean + 0.2 * gradient
        variance = 0.95 * variance + 0.05 * gradient**2
        root = np.sqrt(variance / (1 - 0.95**t)) + 0.001
        b = b + 0.1 * mean / (1 - 0.8**t) / root
        net.train_step(x, truth)
        np.testing.assert_allclose(layer.parameters["biases"], b)


def test_softmax_then_cost_doubles_the_gradient_and_halves_the_sum(rng):
    x, truth = data(rng)
    layers = "[avgpool]\n[connected]\noutput=3\nactivation=linear\n[softmax]\n"
    one, two = net_of(layers), net_of(layers + "[cost]\n")
    loss = one.train_step(x, truth)
    both = two.train_step(x, truth)
    y = two.layers[2].output.reshape(4, 3)
    assert both == pytest.approx((loss + ((truth - y) ** 2).sum()) / 2)
    np.testing.assert_allclose(two.layers[2].delta, 2 * one.layers[2].delta)
    np.testing.assert_allclose(two.layers[1].delta, 2 * one.layers[1].delta)


def test_loss_weight_gives_a_weighted_sum(rng):
    x, truth = data(rng)
    head = "[route]\nlayers=0\n[connected]\noutput=3\nactivation=linear\n[softmax]\n"
    plain = net_of("[avgpool]\n" + head + head)
    weighted = net_of("[avgpool]\n" + head + "loss_weight=0.3\n" + head)
    for net in (plain, weighted):
        net.forward(x, True, truth)
        net.backward()
    first, second = (plain.layers[i].cost for i in (3, 6))
    assert plain.cost() == pytest.approx((first + second) / 2)
    assert weighted.cost() == pytest.approx(0.3 * first + second)
    np.testing.assert_allclose(weighted.layers[3].delta, 0.3 * plain.layers[3].delta)
    np.testing.assert_allclose(
        weighted.layers[2].updates["weights"], 0.3 * plain.layers[2].updates["weights"]
    )
    np.testing.assert_allclose(weighted.layers[6].delta, plain.layers[6].delta)
    split = weighted.layers[1].delta + weighted.layers[4].delta
    np.testing.assert_allclose(weighted.layers[0].delta, split)


def test_cost_scales_its_delta_on_the_way_back(rng):
    x, truth = data(rng, classes=60)
    net = net_of("[activation]\n[cost]\nscale=3\n")
    net.forward(x, True, truth)
    net.backward()
    np.testing.assert_allclose(net.layers[1].delta.reshape(4, -1), truth - x.reshape(4, -1))
    np.testing.assert_allclose(net.layers[0].delta, 3 * net.layers[1].delta.reshape(x.shape))


def test_stopbackward_stops_before_its_own_layer(rng):
    layers = "[avgpool]\n" + "[connected]\noutput=3\nactivation=linear\n" * 2
    x, truth = data(rng)
    for dialect, moved in [("pjreddie", True), ("alexeyab", False)]:
        net = net_of(layers + "stopbackward=1\n[connected]\noutput=3\n[softmax]", dialect=dialect)
        start = [layer.parameters.get("weights") for layer in net.layers]
        net.train_step(x, truth)
        now = [layer.parameters.get("weights") for layer in net.layers]
        np.testing.assert_allclose(now[2], start[2] * (1 - 0.1 * 0.01))  # decay alone
        assert (now[1] != start[1]).all() == moved
        assert not np.allclose(now[3], start[3] * (1 - 0.1 * 0.01))


@pytest.mark.parametrize(
    "text, t, expected",
    [
        ("", 9, 0.1),
        ("policy=step\nstep=3\nscale=.5", 6, 0.025),
        ("policy=steps\nsteps=3,6,9\nscales=.1,.5,.1", 6, 0.005),
        ("policy=steps\nsteps=3,6,9\nscales=.1,.5,.1", 2, 0.1),
        ("policy=exp\ngamma=.9", 4, 0.1 * 0.9**4),
        ("policy=poly\nmax_batches=10", 5, 0.1 / 16),
        ("policy=poly\nmax_batches=10\npower=1", 5, 0.05),
        ("policy=sigmoid\ngamma=2\nstep=3", 1, 0.1 / (1 + math.exp(-4))),
        ("policy=poly\nmax_batches=10\npower=2\nburn_in=4", 2, 0.025),
        ("policy=constant\nburn_in=4", 2, 0.1 / 16),
        ("policy=constant\nburn_in=4", 4, 0.1),
        ("policy=sgdr\nmax_batches=10\nlearning_rate_min=.02", 5, 0.06),
        ("policy=sgdr\nsgdr_cycle=4\nlearning_rate_min=.02", 8, 0.06),
    ],
)
def test_policies(text, t, expected):
    net = net_of("[avgpool]", extra=text + "\n")
    net.seen = 4 * t
    assert net.rate() == pytest.approx(expected, rel=1e-12)


def test_rolling_statistics_move_by_the_dialects_factor(rng):
    x, _ = data(rng)
    for dialect, conv, connected in [("pjreddie", 0.01, 0.01), ("alexeyab", 0.1, 0.05)]:
        layers = "[conv]\nbatch_normalize=1\nfilters=2\n[conn]\nbatch_normalize=1\noutput=3\n"
        net = net_of(layers, dialect=dialect)
        net.forward(x, True)
        for layer, factor in zip(net.layers, (conv, connected), strict=True):
            mean = layer.before_norm.mean((0, 2, 3))
            variance = layer.before_norm.var((0, 2, 3), ddof=1)
            np.testing.assert_allclose(layer.parameters["rolling_mean"], factor * mean)
            np.testing.assert_allclose(layer.parameters["rolling_variance"], factor * variance)


def test_older_headers_and_flags():
    layers = "[avgpool]\n[connected]\noutput=2\nactivation=linear\n"
    floats = np.arange(6, dtype="<f4").tobytes()
    for head, weights in [
        (struct.pack("<3iQ", 0, 2, 0, 77), [[2, 3], [4, 5]]),
        (struct.pack("<3ii", 0, 1, 0, 77), [[2, 3], [4, 5]]),
        (struct.pack("<3ii", 1001, 0, 0, 77), [[2, 4], [3, 5]]),
    ]:
        net = net_of(layers)
        net.load_weights(head + floats)
        assert net.seen == 77
        assert net.layers[1].parameters["biases"].tolist() == [0, 1]
        assert net.layers[1].parameters["weights"].tolist() == weights
    with pytest.raises(ValueError, match="too many"):
        net.load_weights(head + floats + floats)
    skipped = net_of(layers + "dontload=1\n")
    skipped.load_weights(struct.pack("<3iQ", 0, 2, 0, 1))
    flipped = net_of("[conv]\nfilters=2\nflipped=1\n")
    flipped.load_weights(struct.pack("<3iQ", 0, 2, 0, 1) + floats)
    assert flipped.layers[0].parameters["weights"].reshape(2, 2).tolist() == [[2, 4], [3, 5]]


def test_weights_round_trip(rng):
    net = net_of(TRUE, seed=1)
    net.train_step(*data(rng))
    again = net_of(TRUE, seed=2)
    again.load_weights(net.weights_bytes())
    assert again.weights_bytes() == net.weights_bytes()
    x, _ = data(rng)
    for a, b in zip(net.forward(x), again.forward(x), strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-5)


def test_read_cfg():
    text = "[net]\r\n batch = 4 # images\n;note\nbatch=9\n\n[a b]\nlayers = -1, 2\nx=y=z\n"
    assert read_cfg(text) == [("net", {"batch": "4"}), ("ab", {"layers": "-1,2", "x": "y=z"})]


def test_vectors_and_images():
    net = net_of("[maxpool]\nsize=2\nstride=2\n[connected]\noutput=3\n[dropout]\n[softmax]")
    shapes = [y.shape for y in net.forward(np.zeros((2, 2, 6, 5)))]
    assert shapes == [(2, 2, 3, 3), (2, 3), (2, 3), (2, 3)]
