"""What turns gradients into weights: policies, optimisers, subdivisions, frozen layers."""

from __future__ import annotations

import numpy as np
import pytest
from network_pair import Pair, close

import darkpy
from darkpy.config.sections import parse_cfg
from darkpy.errors import DarkpyError, StateError
from darkpy.network.network import Network

LAYERS = """
[convolutional]
filters=4
size=3
pad=1
batch_normalize=1
activation=leaky
{first}
[convolutional]
filters=3
size=1
activation=linear
{second}
[avgpool]
[softmax]
{last}
"""


def net_text(net: str = "", first: str = "", second: str = "", last: str = "") -> str:
    lines = "batch=4\nheight=5\nwidth=6\nchannels=2\nlearning_rate=0.1\n"
    written = {line.split("=")[0] for line in net.split()}
    kept = [line for line in lines.split() if line.split("=")[0] not in written]
    text = "[net]\n" + "\n".join([*net.split(), *kept])
    return text + LAYERS.format(first=first, second=second, last=last)


POLICIES = {
    "constant": "",
    "step": "policy=step step=2 scale=0.5",
    "steps": "policy=steps steps=2,4 scales=0.1,10",
    "exp": "policy=exp gamma=0.7",
    "poly": "policy=poly power=2 max_batches=10",
    "poly with its default power": "policy=poly max_batches=10",
    "sigmoid": "policy=sigmoid gamma=0.5 step=3",
    "sgdr": "policy=sgdr max_batches=3 learning_rate_min=0.01",
    "burn in": "burn_in=4 power=2 policy=step step=5 scale=0.1",
    "decay and momentum": "decay=0.1 momentum=0.5",
    "no momentum": "momentum=0 decay=0",
    "subdivisions": "batch=8 subdivisions=2",
    "subdivisions that do not divide": "batch=9 subdivisions=2",
    "adam": "adam=1 eps=0.01 learning_rate=0.01",
    "adam with its own means": "adam=1 B1=0.5 B2=0.9 eps=0.001 decay=0.01 learning_rate=0.01",
}


@pytest.mark.parametrize("name", POLICIES)
def test_rule(name: str) -> None:
    dialect = "alexeyab" if name == "sgdr" else "pjreddie"
    pair = Pair(net_text(POLICIES[name]), dialect)
    for _ in range(6):
        pair.compare_step(2e-3)
        assert pair.net.seen == pair.ref.seen
        assert pair.net.update_count == pair.ref.updates_done()
        np.testing.assert_allclose(
            pair.net.learning_rate_of(pair.net.update_count), pair.ref.rate(), 1e-9
        )


def test_random_policy_is_repeatable_and_in_range() -> None:
    nets = [Network(parse_cfg(net_text("policy=random power=2")), seed=s) for s in (1, 1, 2)]
    rates = [[net.learning_rate_of(t) for t in range(1, 50)] for net in nets]
    assert rates[0] == rates[1] != rates[2]
    assert all(0 <= rate <= 0.1 for rate in rates[0])
    assert len(set(rates[0])) > 40


@pytest.mark.parametrize(
    ("first", "second", "last"),
    [
        ("learning_rate=0.5", "learning_rate=3", ""),
        ("learning_rate=0", "", ""),
        ("bias_learning_rate=7", "learning_rate=0.5\nbias_learning_rate=0", ""),
        ("", "stopbackward=1", ""),
        ("stopbackward=1", "", ""),
        ("", "", "loss_weight=0.25"),
        ("", "", "temperature=3"),
        ("", "", "stopbackward=1"),
        ("stopbackward=1", "stopbackward=2", ""),
        ("", "stopbackward=7", ""),
    ],
)
@pytest.mark.parametrize("dialect", ["pjreddie", "alexeyab"])
def test_options_of_layers(dialect: str, first: str, second: str, last: str) -> None:
    pair = Pair(net_text("decay=0.01", first, second, last), dialect)
    for _ in range(3):
        pair.compare_step(2e-3)


def test_layers_before_stopbackward_get_no_gradient() -> None:
    pair = Pair(net_text("decay=0 momentum=0", second="stopbackward=1"))
    before = [layer.weights.copy() for layer in pair.net.layers[:2]]
    pair.compare_step()
    for layer, weights in zip(pair.net.layers, before, strict=False):
        np.testing.assert_array_equal(layer.weights, weights)


def test_alexeyab_freezes_what_stands_before_stopbackward_1() -> None:
    pair = Pair(net_text("decay=0.01", second="stopbackward=1"), "alexeyab")
    first, second = pair.net.layers[:2]
    before = [first.weights.copy(), first.scales.copy(), second.weights.copy()]
    for _ in range(3):
        pair.compare_step(2e-3)
    np.testing.assert_array_equal(first.weights, before[0])
    np.testing.assert_array_equal(first.scales, before[1])
    assert (second.weights != before[2]).all()  # weight decay: it gets no gradient, but is updated


@pytest.mark.parametrize("net", ["", "batch=8 subdivisions=2", "adam=1 eps=0.01"])
def test_alexeyab_stops_until_an_update(net: str) -> None:
    text = net_text(f"decay=0 momentum=0 {net}", second="stopbackward=3")
    pair = Pair(text, "alexeyab")
    start = pair.net.layers[0].weights.copy()
    for _ in range(5 * pair.net.options.subdivisions):
        moves = pair.net.seen + pair.net.mini_batch >= 3 * pair.net.update_batch
        pair.compare_step(2e-3)
        updates = pair.net.layers[0].parameters["weights"].update_value()
        assert moves or not updates.any()
        assert (pair.net.layers[0].weights != start).any() == moves


def test_stopping_depends_on_updates_not_on_steps() -> None:
    """A network whose `seen` is far on, as after loading weights, does not stop any more."""
    pair = Pair(net_text(second="stopbackward=3"), "alexeyab")
    pair.net.seen = pair.ref.seen = 100 * pair.net.update_batch
    start = pair.net.layers[0].weights.copy()
    pair.compare_step()
    assert (pair.net.layers[0].weights != start).any()
    pair.net.seen = pair.ref.seen = 0  # ... and then it does again, with the plan there is
    pair.compare_step()


TWO_HEADS = """
[net]
batch=2
inputs=6
learning_rate=0.1
[connected]
output=5
activation=tanh
[connected]
output=3
activation=linear
[softmax]
{aux}
[route]
layers=0
[connected]
output=3
activation=linear
[softmax]
{main}
"""


@pytest.mark.parametrize(
    ("aux", "main", "factors"),
    [
        ("", "", (0.5, 0.5)),
        ("loss_weight=0.3", "", (0.3, 1)),
        ("loss_weight=0", "loss_weight=2", (0, 2)),
        ("noloss=1", "", (0, 0.5)),  # Darknet counts the layer in its mean
        ("noloss=1", "loss_weight=0.5", (0, 0.5)),
    ],
)
def test_the_cost_is_the_mean_or_the_weighted_sum(
    aux: str, main: str, factors: tuple[float, float]
) -> None:
    pair = Pair(TWO_HEADS.format(aux=aux, main=main))
    net = pair.net
    x, truth = pair.photos(2), pair.truth()
    cost = net.train_step(x, truth, keep=True)
    costs = [-float((truth * np.log(net.layers[i].output)).sum()) for i in (2, 5)]
    np.testing.assert_allclose(cost, np.dot(factors, costs), rtol=1e-5)


@pytest.mark.parametrize(("aux", "main"), [("", ""), ("loss_weight=0.3", "loss_weight=0.5")])
def test_two_heads_train_as_the_reference(aux: str, main: str) -> None:
    pair = Pair(TWO_HEADS.format(aux=aux, main=main))
    for _ in range(3):
        pair.compare_step(1e-3)


def test_subdivisions_update_after_the_last_piece_only() -> None:
    pair = Pair(net_text("batch=12 subdivisions=3"))
    start = pair.net.layers[0].weights.copy()
    for piece in range(3):
        np.testing.assert_array_equal(pair.net.layers[0].weights, start)
        assert pair.net.update_count == 0
        pair.compare_step(2e-3)
        assert pair.net.seen == 4 * (piece + 1)
    assert (pair.net.layers[0].weights != start).any()
    assert pair.net.update_count == 1


def test_two_runs_with_one_seed_are_equal_to_the_bit_and_seeds_differ() -> None:
    text = net_text(first="[dropout]")
    results = []
    for seed in (0, 0, 1):
        net = Network(parse_cfg(text), seed=seed)
        x = np.random.default_rng(5).normal(0, 1, (4, 2, 5, 6)).astype(np.float32)
        truth = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
        costs = [net.train_step(x, truth) for _ in range(3)]
        results.append((costs, net.layers[0].weights.tobytes()))
    assert results[0] == results[1]
    assert results[0] != results[2]


def test_training_and_inference_agree_without_batch_statistics() -> None:
    pair = Pair(net_text().replace("batch_normalize=1", ""))
    x = pair.photos(4)
    before = pair.net.activations(x)
    pair.net.train_step(x, pair.truth(), keep=True)
    for layer, expected in zip(pair.net.layers, before, strict=True):
        close(layer.output, expected, layer.label, 1e-5)


def test_prediction_between_steps_uses_the_newest_weights() -> None:
    pair = Pair(net_text())
    x = pair.photos(3)
    seen = [pair.net.predict(x)]
    for _ in range(3):
        pair.compare_step(2e-3)
        seen.append(pair.net.predict(x))
        close(seen[-1], pair.ref.forward(x)[-1], "predict", 1e-3)
        assert (seen[-1] != seen[-2]).any()


def test_output_and_delta_say_when_they_are_there() -> None:
    pair = Pair(net_text())
    layer = pair.net.layers[1]
    with pytest.raises(StateError, match=r"activations\(x\) or train_step"):
        _ = layer.output
    with pytest.raises(StateError, match="train_step"):
        _ = layer.delta
    pair.net.activations(pair.photos(2))
    assert layer.output.shape == (2, 3, 5, 6)
    with pytest.raises(StateError, match="train_step"):
        _ = layer.delta
    pair.net.train_step(pair.photos(4), pair.truth(), keep=True)
    assert layer.delta.shape == layer.output.shape == (4, 3, 5, 6)
    assert not layer.delta.flags.writeable


def test_a_network_without_a_cost_cannot_be_trained() -> None:
    net = Network(parse_cfg(net_text().replace("[softmax]", "[l2norm]")))
    assert net.truths == 0
    with pytest.raises(StateError, match="cost"):
        net.train_step(np.zeros((4, 2, 5, 6), np.float32), np.zeros((4, 0), np.float32))


def test_detection_heads_refuse_training_by_name() -> None:
    text = net_text().replace("filters=3\n", "filters=18\n").replace("[avgpool]\n", "")
    net = Network(parse_cfg(text.replace("[softmax]", "[yolo]\nclasses=1\nnum=3")))
    assert net.predict(np.zeros((1, 2, 5, 6), np.float32)).shape == (1, 18 * 30)
    with pytest.raises(DarkpyError):
        net.train_step(np.zeros((4, 2, 5, 6), np.float32), np.zeros((4, 540), np.float32))
    assert net.seen == 0


def test_public_names() -> None:
    assert darkpy.load is not None
    net = darkpy.load("googlenet-28")
    assert (net.channels, net.height, net.width) == (1, 28, 28)
    assert net.mini_batch * int(net.options.subdivisions) == net.update_batch
    assert "softmax" in net.summary()
    assert "googlenet-28" in repr(net)


def test_the_former_name_of_the_count_works_with_a_warning() -> None:
    net = Pair(net_text()).net
    with pytest.warns(DeprecationWarning, match="updates is called update_count now"):
        assert net.updates == net.update_count
