"""A network with several answers: which ones they are, and how they are read."""

from __future__ import annotations

import numpy as np
import pytest

from darkpy.config.sections import parse_cfg
from darkpy.engine.program import Program
from darkpy.errors import ArgumentError, ShapeError, StateError
from darkpy.network.network import Network

NET = "[net]\nheight=8\nwidth=8\nchannels=3\n"
FILTERS = "[convolutional]\nfilters=14\nsize=3\nstride=2\npad=1\nactivation=leaky\n"
HEAD = "[yolo]\nmask=0,1\nnum=2\nclasses=2\n"
TWO_HEADS = NET + FILTERS + HEAD + "[route]\nlayers=0\n" + FILTERS + HEAD


@pytest.fixture
def net() -> Network:
    return Network(parse_cfg(TWO_HEADS, "two.cfg"))


def test_every_head_is_an_answer(net: Network, rng: np.random.Generator) -> None:
    x = rng.random((3, 3, 8, 8), np.float32)
    assert [layer.index for layer in net.answers] == [1, 4]
    heads, outputs = net.outputs_of(x), net.activations(x)
    assert list(heads) == [1, 4]
    for index, head in heads.items():
        assert head.shape == outputs[index].shape
        np.testing.assert_allclose(head, outputs[index], rtol=1e-5, atol=1e-6)


def test_predict_says_how_to_ask_for_several(net: Network) -> None:
    x = np.zeros((1, 3, 8, 8), np.float32)
    message = (
        r"two\.cfg: the network has 2 answers \(layer 1 \[yolo\], layer 4 \[yolo\]\), not one: "
        r"net\.outputs_of\(x\) returns them by layer"
    )
    for ask in (lambda: net.predict(x), lambda: net.answer, lambda: net.outputs):
        with pytest.raises(StateError, match=message):
            ask()
    assert "5 layers" in net.summary()


def test_any_layers_can_be_asked_for(net: Network, rng: np.random.Generator) -> None:
    x = rng.random((2, 3, 8, 8), np.float32)
    outputs = net.activations(x)
    asked = net.outputs_of(x, (3, 0))
    assert list(asked) == [3, 0]
    for index, array in asked.items():
        np.testing.assert_allclose(array, outputs[index], rtol=1e-5, atol=1e-6)
    assert net.outputs_of(x, ()) == {}
    assert net.outputs_of(x[:0], (4,))[4].shape == (0, 14, 2, 2)


def test_what_is_not_there_is_refused(net: Network) -> None:
    x = np.zeros((1, 3, 8, 8), np.float32)
    for wrong in (5, -1, "0", 1.0, True):
        with pytest.raises(ArgumentError, match=rf"there is no layer {wrong!r}: .* are 0 to 4"):
            net.outputs_of(x, (wrong,))
    with pytest.raises(ShapeError, match="x must have shape"):
        net.outputs_of(x[..., 1:])


def test_one_answer_stays_one_array(rng: np.random.Generator) -> None:
    text = NET + FILTERS + "[avgpool]\n[softmax]\n[route]\nlayers=0\n[avgpool]\n[softmax]\n"
    net = Network(parse_cfg(text))  # an auxiliary head, as GoogLeNet's, is no answer
    x = rng.random((2, 3, 8, 8), np.float32)
    assert [layer.index for layer in net.answers] == [5]
    assert net.predict(x).shape == (2, net.outputs) == (2, 14)
    np.testing.assert_array_equal(net.outputs_of(x)[5], net.predict(x))


def test_a_head_in_the_middle_is_an_answer_beside_the_last_layer() -> None:
    text = NET + FILTERS + HEAD + "[route]\nlayers=0\n[avgpool]\n[softmax]\n[cost]\n"
    with pytest.warns(UserWarning, match="doubles the gradient"):
        net = Network(parse_cfg(text))
    assert [layer.index for layer in net.answers] == [1, 4]
    with pytest.raises(StateError, match="2 answers"):
        net.predict(np.zeros((1, 3, 8, 8), np.float32))


def test_order_and_repetition_need_no_plan_of_their_own(
    net: Network, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    bind = Program.bind
    monkeypatch.setattr(Program, "bind", lambda self: (made.append(self), bind(self)))
    x = rng.random((2, 3, 8, 8), np.float32)
    outputs = net.outputs_of(x, (1, 4))
    for layers in ((4, 1), (1, 4, 1), np.array([4, 1])):
        again = net.outputs_of(x, layers)
        assert list(again) == list(dict.fromkeys(int(k) for k in layers))
        assert all(type(index) is int for index in again)
        for index, array in again.items():
            np.testing.assert_array_equal(array, outputs[index])
    assert net.outputs_of(x, ()) == {}
    assert len(made) == 1


def test_levels_and_precision_are_chosen_at_loading(net: Network) -> None:
    for name in ("memory", "precision"):
        with pytest.raises(AttributeError):
            setattr(net, name, "low")
