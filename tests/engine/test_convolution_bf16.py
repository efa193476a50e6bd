"""Convolution of pairs of bf16 against float64 sums of operands that NumPy has rounded."""

from __future__ import annotations

import numpy as np
import pytest
from convolution_call import pack as pack_floats
from convolution_call import winograd_weights, workspace_of
from convolution_cases import CASES, Case, forward_reference
from guarded import GuardedTensor, GuardedVector, like, none_tensor
from needs import needs_bf16
from pairs import TINY, rounded, to_pairs
from references.activations import activate

from darkpy.engine.boundary import lib, pointer, stretches, struct

EPS = 2.0**-23
UNGROUPED = {name: case for name, case in CASES.items() if case.groups == 1}


def can_winograd(case):
    return (case.size, case.stride, case.dilation) == ((3, 3), (1, 1), (1, 1))


def pack(case, weights):
    shape = struct("dk_conv_shape", case.fields())
    packed = GuardedVector(np.full(lib.dk_convolution_bf16_size(shape), np.nan))
    plain = np.ascontiguousarray(weights, np.float32)
    pairs = pointer(packed.values, "uint32_t")
    assert lib.dk_convolution_pack_bf16(shape, pointer(plain), pairs) == lib.DK_OK
    packed.check()
    return packed


def forward(case, x, weights, activation=0, scale=None, shift=None, residual=None, prefetch=()):
    source, out = to_pairs(x, case.gap), like(case.y_shape())
    added = None if residual is None else GuardedTensor(residual, 5)
    packed = pack(case, weights)
    fields = {
        "shape": case.fields(),
        "x": source.struct,
        "y": out.struct,
        "residual": none_tensor(case.y_shape()) if added is None else added.struct,
        "weights": packed.pointer,
        "scale": pointer(scale),
        "shift": pointer(shift),
        "activation": activation,
        "algorithm": lib.DK_CONV_INDIRECT_BF16,
        "prefetch": stretches(prefetch),
        "prefetch_count": len(prefetch),
    }
    assert lib.dk_convolution_forward_workspace(struct("dk_convolution", fields)) == 0
    assert lib.dk_convolution_forward(struct("dk_convolution", fields)) == lib.DK_OK
    source.check()
    out.check()
    return out.values


def winograd(case, x, weights, prepared=True, residual=None, activation=0):
    """F(2x2,3x3) in bf16; prepared: with transformed weights at hand."""
    source, out, packed = (
        GuardedTensor(x, case.gap),
        like(case.y_shape()),
        pack_floats(case, weights),
    )
    algorithm = lib.DK_CONV_WINOGRAD_2X2_BF16
    added = None if residual is None else GuardedTensor(residual, 5)
    fields = {
        "shape": case.fields(),
        "x": source.struct,
        "y": out.struct,
        "residual": none_tensor(case.y_shape()) if added is None else added.struct,
        "weights": packed.pointer,
        "activation": activation,
        "algorithm": algorithm,
    }
    if prepared:
        made = winograd_weights(case, algorithm, packed)
        fields["winograd"] = made.pointer
    size = lib.dk_convolution_forward_workspace(struct("dk_convolution", fields))
    memory, space = workspace_of(size)
    args = struct("dk_convolution", {**fields, "workspace": space, "workspace_bytes": size})
    assert lib.dk_convolution_forward(args) == lib.DK_OK
    source.check()
    out.check()
    del memory
    return out.values


def transformed_input(d):
    """B' of 4 values along the first axis."""
    return np.stack([d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]])


def transformed_weights(w):
    """G of 3 values, in the order of float32 sums of the C core."""
    even, odd = (w[0] + w[2]) * np.float32(0.5), w[1] * np.float32(0.5)
    return np.stack([w[0], even + odd, even - odd, w[2]])


def transformed_sums(s, signs=-1):
    """A' of 4 values; signs 1: of absolute values."""
    return np.stack([s[0] + s[1] + s[2], s[1] + signs * s[2] + signs * s[3]])


def both_sides(transform, squares, *more):
    """Columns of squares in the last two axes, then their rows."""
    half = transform(np.moveaxis(squares, -2, 0), *more)  # [a, ..., j]
    return np.moveaxis(transform(np.moveaxis(half, -1, 0), *more), (1, 0), (-2, -1))


def winograd_reference(case, x, weights):
    """(y, bound of its error): operands transformed in float32 and rounded, the rest in float64."""
    n, out_h, out_w, filters = case.y_shape()
    tiles_y, tiles_x = -(-out_h // 2), -(-out_w // 2)
    above, left = case.pad
    wide = np.zeros((n, 2 * tiles_y + 2 + 64, 2 * tiles_x + 2 + 64, case.channels), np.float32)
    wide[:, above : above + x.shape[1], left : left + x.shape[2]] = x
    squares = np.lib.stride_tricks.sliding_window_view(wide, (4, 4), (1, 2))
    squares = squares[:, : 2 * tiles_y : 2, : 2 * tiles_x : 2]  # [n, ty, tx, c, 4, 4]
    v = rounded(both_sides(transformed_input, squares))
    u = rounded(both_sides(transformed_weights, weights))  # [f, c, 4, 4]

    def back(v, u, signs):
        sums = np.einsum("nyxcij,fcij->nyxfij", v, u, optimize=True)
        y = both_sides(transformed_sums, sums, signs)  # [n, ty, tx, f, 2, 2]
        y = y.transpose(0, 1, 4, 2, 5, 3).reshape(n, 2 * tiles_y, 2 * tiles_x, filters)
        return y[:, :out_h, :out_w]

    y = back(v, u, -1)
    size = back(np.abs(v), np.abs(u), 1)
    return y, 4 * EPS * np.sqrt(case.channels + 8) * size + TINY


def operands(case, rng):
    x = rng.standard_normal(case.x_shape(), np.float32)
    return x, rng.standard_normal(case.weights_shape(), np.float32)


def bound(case, x, weights):
    """Of the error of float32 sums of so many products, for every output."""
    sizes = forward_reference(case, np.abs(rounded(x)), np.abs(rounded(weights)))
    return 4 * EPS * np.sqrt(case.terms() + 4) * sizes + TINY


@needs_bf16
@pytest.mark.parametrize("name", UNGROUPED)
def test_sums_of_rounded_operands(rng, name):
    case = UNGROUPED[name]
    x, weights = operands(case, rng)
    y = forward(case, x, weights)
    exact = forward_reference(case, rounded(x), rounded(weights))
    assert (np.abs(y - exact) <= bound(case, x, weights)).all()


@needs_bf16
@pytest.mark.parametrize("prepared", [True, False])
@pytest.mark.parametrize("name", [n for n, case in UNGROUPED.items() if can_winograd(case)])
def test_winograd_of_rounded_transforms(rng, name, prepared):
    case = UNGROUPED[name]
    x, weights = operands(case, rng)
    y = winograd(case, x, weights, prepared)
    exact, error = winograd_reference(case, x, weights)
    assert (np.abs(y - exact) <= error).all()
    plain = forward_reference(case, x, weights)
    assert np.abs(y - plain).max() < 0.03 * np.sqrt(case.terms())


@needs_bf16
def test_winograds_epilogue(rng):
    case = Case(21, 70, plane=(9, 8))
    x, weights = operands(case, rng)
    residual = rng.standard_normal(case.y_shape(), np.float32)
    y = winograd(case, x, weights, residual=residual, activation=lib.DK_LEAKY)
    exact = winograd_reference(case, x, weights)[0] + residual
    np.testing.assert_allclose(y, activate("leaky", exact), rtol=0, atol=2e-4)


@needs_bf16
def test_the_rounding_is_seen(rng):
    """The bound above would not hold for operands that are not rounded."""
    case = UNGROUPED["vectors"]
    x, weights = operands(case, rng)
    plain = forward_reference(case, x, weights)
    assert (np.abs(forward(case, x, weights) - plain) > bound(case, x, weights)).any()


@needs_bf16
@pytest.mark.parametrize("name", ["linear", "relu", "leaky", "logistic", "mish"])
def test_epilogue(rng, name):
    case = Case(21, 70, plane=(9, 8))
    x, weights = operands(case, rng)
    scale, shift = (rng.standard_normal(case.filters, np.float32) for _ in range(2))
    residual = rng.standard_normal(case.y_shape(), np.float32)
    kind = getattr(lib, f"DK_{name.upper()}")
    y = forward(case, x, weights, kind, scale, shift, residual)
    exact = forward_reference(case, rounded(x), rounded(weights)) * scale + shift + residual
    np.testing.assert_allclose(y, activate(name, exact), rtol=0, atol=2e-4)


@pytest.mark.parametrize("name", UNGROUPED)
def test_packed_weights_come_back_rounded(every_simd, rng, name):
    case = UNGROUPED[name]
    weights = rng.standard_normal(case.weights_shape(), np.float32)
    weights.flat[0] = 1 - 2.0**-9
    shape = struct("dk_conv_shape", case.fields())
    packed = pack(case, weights)
    pairs = pointer(packed.values, "uint32_t")
    plain = GuardedVector(np.full(case.weights_shape(), np.nan))
    assert lib.dk_convolution_unpack_bf16(shape, pairs, plain.pointer) == lib.DK_OK
    plain.check()
    np.testing.assert_array_equal(plain.values, rounded(weights))


@needs_bf16
@pytest.mark.parametrize(
    "case",
    [
        Case(64, 96, size=(1, 1), pad=(0, 0), plane=(28, 28)),
        Case(33, 70, plane=(29, 31), gap=0),
        Case(3, 64, size=(7, 7), pad=(3, 3), stride=(2, 2), plane=(63, 65), gap=0),
        Case(1031, 1000, size=(1, 1), pad=(0, 0), plane=(1, 1)),
    ],
)
def test_same_bits(rng, same_bits, case):
    x, weights = operands(case, rng)
    later = rng.integers(0, 9, 5000, np.uint8)
    same_bits(lambda: [np.ascontiguousarray(forward(case, x, weights, prefetch=[later]))])


@needs_bf16
@pytest.mark.parametrize("case", [Case(96, 208, plane=(14, 14)), Case(33, 70, plane=(29, 31))])
def test_winograd_gives_the_same_bits(rng, same_bits, case):
    x, weights = operands(case, rng)
    same_bits(lambda: [np.ascontiguousarray(winograd(case, x, weights))])


def choice(case, out=None):
    shape = struct("dk_conv_shape", case.fields())
    return lib.dk_convolution_choose_bf16(shape, *(out or case.out_plane()))


@needs_bf16
def test_the_choice_follows_the_shape():
    bf16, plane = lib.DK_CONV_INDIRECT_BF16, (28, 28)
    assert choice(Case(128, 256, plane=(14, 14))) == lib.DK_CONV_WINOGRAD_2X2_BF16
    assert choice(Case(192, 64, size=(1, 1), pad=(0, 0), plane=plane)) == bf16
    assert choice(Case(3, 64, size=(7, 7), pad=(3, 3), stride=(2, 2), plane=plane)) == bf16
    assert choice(Case(64, 64, stride=(2, 2), plane=plane)) == bf16
    # rounding what is read but once takes as long as it saves
    assert choice(Case(64, 32, size=(1, 1), pad=(0, 0), plane=(128, 128))) == lib.DK_CONV_AUTO
    assert choice(Case(3, 16, plane=(416, 416))) == lib.DK_CONV_AUTO
    # F(4x4,3x3) in float32 takes as long, F(2x2,5x5) less
    assert choice(Case(128, 192, plane=plane)) == lib.DK_CONV_AUTO
    assert choice(Case(32, 64, size=(5, 5), pad=(2, 2), plane=plane)) == lib.DK_CONV_AUTO
    assert choice(Case(16, 32, size=(5, 5), pad=(2, 2), plane=plane)) == bf16
    assert choice(Case(64, 64, groups=2, stride=(2, 2), plane=plane)) == lib.DK_CONV_AUTO
    assert choice(Case(64, 64, groups=64, plane=plane)) == lib.DK_CONV_AUTO


def test_other_instruction_sets_choose_float32(every_simd):
    if every_simd != "avx512":
        assert choice(Case(8, 8)) == lib.DK_CONV_AUTO
