"""The kinds of the C core: their public names, and that each has the number which C gives it."""

from __future__ import annotations

import pytest

from darkpy import kernels
from darkpy.engine import algorithms, enums
from darkpy.engine.boundary import enumerators, lib
from darkpy.layers.registry import options_of

#: cfg files and callers write these names: a new name in C must not change one.
PUBLIC = {
    "ACTIVATIONS": (
        *("linear", "logistic", "loggy", "relu", "relu6", "relie", "ramp", "leaky", "tanh"),
        *("elu", "selu", "plse", "stair", "hardtan", "lhtan", "swish", "mish", "hard_mish"),
        *("gelu", "revleaky"),
    ),
    "CHANNEL_ACTIVATIONS": (
        *("normalize_channels", "normalize_channels_softmax"),
        "normalize_channels_softmax_maxval",
    ),
    "ALGORITHMS": (
        *("auto", "im2col", "indirect", "winograd", "depthwise", "winograd-2x2"),
        *("indirect-bf16", "winograd-2x2-bf16"),
    ),
    "PASSES": ("forward", "backward_data", "backward_weights"),
    "COSTS": ("sse", "masked", "smooth", "L1", "softmax_cross_entropy", "logistic_cross_entropy"),
    "OPTIMISERS": ("sgd", "adam"),
}
#: What stands before the name in C.
NUMBERS = {
    "ACTIVATIONS": "DK_",
    "CHANNEL_ACTIVATIONS": "DK_CHANNELS_",
    "ALGORITHMS": "DK_CONV_",
    "PASSES": "DK_CONV_",
    "COSTS": "DK_COST_",
    "OPTIMISERS": "DK_OPTIMISER_",
}


@pytest.mark.parametrize("name", PUBLIC)
def test_names_are_the_public_ones(name: str) -> None:
    assert set(enums.__all__) == set(PUBLIC)
    assert sorted(getattr(enums, name)) == sorted(PUBLIC[name])


@pytest.mark.parametrize("name", PUBLIC)
def test_names_have_the_numbers_of_the_c_core(name: str) -> None:
    for number, kind in enumerate(getattr(enums, name)):
        word = kind.removeprefix("normalize_channels").strip("_") if "CHANNEL" in name else kind
        enumerator = NUMBERS[name] + (word or "relu").upper().replace("-", "_")
        assert getattr(lib, enumerator) == number


def test_counts_are_no_kinds() -> None:
    assert len(enums.ACTIVATIONS) == lib.DK_ACTIVATION_COUNT
    assert len(enums.CHANNEL_ACTIVATIONS) == lib.DK_CHANNELS_COUNT
    assert len(enums.COSTS) == lib.DK_COST_COUNT
    assert len(enums.OPTIMISERS) == lib.DK_OPTIMISER_COUNT
    assert enumerators("dk_status")[:2] == ("DK_OK", "DK_BAD_SHAPE")


def test_names_stand_where_they_are_public() -> None:
    assert kernels.ACTIVATIONS is enums.ACTIVATIONS
    assert kernels.ALGORITHMS is algorithms.ALGORITHMS is enums.ALGORITHMS
    assert algorithms.PASSES is enums.PASSES


def test_costs_of_cfg_files_are_the_cores_but_for_two_that_run_sse() -> None:
    (types,) = (option.choices for option in options_of("cost") if option.name == "type")
    assert set(types) - set(enums.COSTS) == {"seg", "wgan"}
