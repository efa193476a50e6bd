"""Sizes of convolutions, what they give exactly, and how far float32 may be off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darkpy.engine.boundary import lib, struct

__all__ = [
    "CASES",
    "EPS",
    "LARGE",
    "Case",
    "algorithms",
    "close",
    "data_reference",
    "forward_reference",
    "is_depthwise",
    "plain_algorithms",
    "weights_reference",
    "winograds",
]

EPS = 2.0**-23


@dataclass(frozen=True)
class Case:
    """Sizes of one convolution; out: size of y, by default what Darknet makes of the padding."""

    channels: int
    filters: int
    size: tuple[int, int] = (3, 3)
    plane: tuple[int, int] = (7, 6)
    batch: int = 2
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    out: tuple[int, int] | None = None
    gap: int = 3

    def fields(self):
        names = ("size", "stride", "pad", "dilation")
        return {
            "channels": self.channels,
            "filters": self.filters,
            "groups": self.groups,
            **{f"{n}_{a}": getattr(self, n)[i] for n in names for i, a in enumerate("hw")},
        }

    def out_plane(self):
        if self.out:
            return self.out
        return tuple(
            (p + 2 * pad - d * (k - 1) - 1) // s + 1
            for p, pad, d, k, s in zip(
                self.plane, self.pad, self.dilation, self.size, self.stride, strict=True
            )
        )

    def x_shape(self):
        return (self.batch, *self.plane, self.channels)

    def y_shape(self):
        return (self.batch, *self.out_plane(), self.filters)

    def weights_shape(self):
        return (self.filters, self.channels // self.groups, *self.size)

    def terms(self):
        return self.channels // self.groups * self.size[0] * self.size[1]


CASES = {
    "one of all": Case(1, 1, plane=(1, 1), batch=1),
    "small": Case(5, 3),
    "pointwise": Case(17, 33, size=(1, 1), pad=(0, 0)),
    "pointwise strided": Case(6, 9, size=(1, 1), pad=(0, 0), stride=(2, 2)),
    "pad on pointwise": Case(6, 9, size=(1, 1), pad=(2, 1)),
    "rectangle": Case(4, 7, size=(1, 7), pad=(0, 3), plane=(5, 9)),
    "rectangle 2": Case(4, 7, size=(5, 2), pad=(1, 0), stride=(2, 3), plane=(9, 10)),
    "first layer": Case(3, 20, size=(7, 7), pad=(3, 3), stride=(2, 2), plane=(19, 23)),
    "first layer dense": Case(3, 64, size=(7, 7), pad=(3, 3), stride=(2, 2), plane=(19, 23), gap=0),
    "dense runs": Case(8, 16, plane=(12, 13), gap=0, batch=3),
    "dense without pad": Case(8, 16, pad=(0, 0), plane=(12, 13), gap=0),
    "stride beyond size": Case(5, 6, size=(2, 2), stride=(3, 4), pad=(0, 0), plane=(11, 13)),
    "stride beyond size with pad": Case(
        5, 6, size=(2, 1), stride=(3, 4), pad=(1, 1), plane=(11, 13)
    ),
    "large pad": Case(5, 6, size=(2, 2), pad=(4, 5), plane=(5, 4)),
    "large pad dense": Case(5, 6, size=(2, 2), pad=(4, 5), plane=(5, 4), gap=0),
    "only padding": Case(3, 4, size=(1, 1), pad=(3, 3), plane=(2, 2), stride=(4, 4)),
    "dilated": Case(6, 5, dilation=(2, 3), pad=(2, 3), plane=(9, 11)),
    "dilated and strided": Case(6, 5, dilation=(2, 3), stride=(2, 2), pad=(1, 4), plane=(9, 11)),
    "dilation meets stride": Case(
        3, 5, size=(3, 2), dilation=(4, 2), stride=(2, 4), pad=(3, 1), plane=(15, 12)
    ),
    "short out": Case(4, 5, plane=(8, 8), out=(3, 2)),
    "long out": Case(4, 5, plane=(8, 8), out=(11, 13)),
    "long out dense": Case(4, 5, plane=(8, 8), out=(11, 13), gap=0),
    "groups": Case(12, 8, groups=4),
    "resnext": Case(64, 64, groups=16, plane=(5, 5)),
    "groups of one channel": Case(3, 6, groups=3),
    "depthwise": Case(19, 19, groups=19, plane=(9, 8)),
    "depthwise strided": Case(
        37, 37, groups=37, stride=(2, 2), size=(5, 3), pad=(2, 1), plane=(9, 8)
    ),
    "depthwise dilated": Case(
        16, 16, groups=16, stride=(2, 1), dilation=(3, 2), pad=(3, 2), plane=(9, 8)
    ),
    "depthwise mostly outside": Case(19, 19, groups=19, plane=(2, 1), batch=3),
    "depthwise beyond plane": Case(5, 5, groups=5, size=(7, 5), pad=(3, 2), plane=(4, 2), batch=8),
    "wide": Case(40, 130, plane=(6, 6)),
    "deep": Case(150, 70, plane=(5, 5)),
    "very deep pointwise": Case(2100, 5, size=(1, 1), pad=(0, 0), plane=(2, 2)),
    "very deep": Case(2100, 5, plane=(2, 2), batch=1),
    "whole plane": Case(33, 70, size=(4, 5), plane=(4, 5), pad=(0, 0), batch=9, gap=0),
    "whole plane slice": Case(33, 70, size=(4, 5), plane=(4, 5), pad=(0, 0), batch=3),
    "whole plane large": Case(64, 20, size=(7, 7), plane=(7, 7), pad=(0, 0), batch=1, gap=0),
    "vectors": Case(300, 131, size=(1, 1), plane=(1, 1), pad=(0, 0), batch=16),
    "many vectors": Case(40, 70, size=(1, 1), plane=(1, 1), pad=(0, 0), batch=37),
    "vectors of one output": Case(35, 1, size=(1, 1), plane=(1, 1), pad=(0, 0), batch=11),
    "five": Case(20, 24, size=(5, 5), pad=(2, 2), plane=(13, 12)),
    "strided": Case(20, 24, stride=(2, 2), plane=(13, 12)),
    "strided without pad": Case(17, 33, stride=(2, 2), pad=(0, 0), plane=(19, 8)),
    "strided wide pad": Case(16, 70, stride=(2, 2), pad=(3, 2), plane=(4, 17), batch=1, gap=0),
    "strided pixel": Case(35, 16, stride=(2, 2), plane=(2, 1), batch=3),
    "five without pad": Case(17, 33, size=(5, 5), pad=(0, 0), plane=(9, 6)),
    "five in one channel": Case(1, 70, size=(5, 5), pad=(1, 1), plane=(6, 7), gap=0),
    "five beyond plane": Case(16, 16, size=(5, 5), pad=(4, 3), plane=(2, 3), batch=1),
    "blocks over whole images": Case(5, 6, size=(2, 2), pad=(0, 1), plane=(3, 2), batch=7),
    "kernel beyond plane": Case(4, 5, size=(7, 7), plane=(4, 4), pad=(3, 3), batch=8),
    "thin batch": Case(8, 16, plane=(14, 14), batch=16),
    **{f"{n} channels": Case(n, 9, plane=(5, 5)) for n in (4, 7, 8, 15, 16, 17, 32, 33)},
    **{f"{n} filters": Case(6, n, plane=(5, 5)) for n in (4, 8, 15, 16, 17, 48, 63, 64, 65, 129)},
    **{f"{n} pixels": Case(5, 9, plane=(1, n), pad=(1, 1)) for n in (5, 6, 8, 13, 14, 15)},
}

#: Enough work for several threads.
LARGE = {
    "thin": Case(1, 8, plane=(28, 28), batch=32, gap=0),
    "thin 2": Case(8, 16, plane=(14, 14), batch=32, gap=0),
    "first": Case(3, 24, size=(7, 7), stride=(2, 2), pad=(3, 3), plane=(64, 61), gap=0),
    "middle": Case(48, 70, plane=(28, 27), batch=3),
    "pointwise": Case(100, 80, size=(1, 1), pad=(0, 0), plane=(14, 14), batch=8),
    "few pixels": Case(160, 200, plane=(7, 7), batch=2),
    "connected": Case(50, 300, size=(6, 6), plane=(6, 6), pad=(0, 0), batch=16, gap=0),
    "connected, large batch": Case(50, 70, size=(3, 3), plane=(3, 3), pad=(0, 0), batch=40, gap=0),
    "groups": Case(64, 64, groups=8, plane=(20, 20)),
    "depthwise": Case(64, 64, groups=64, plane=(30, 30), batch=4),
    "strided": Case(32, 64, stride=(2, 2), plane=(31, 30), batch=4),
    "few tiles, many filters": Case(40, 150, plane=(14, 14), batch=1),
    "five": Case(32, 80, size=(5, 5), pad=(2, 2), plane=(15, 14)),
}


def is_depthwise(case):
    return case.groups > 1 and case.groups == case.channels == case.filters


def winograds(case):
    if (case.dilation, case.groups) != ((1, 1), 1):
        return []
    if case.stride == (1, 1) and case.size in ((3, 3), (5, 5)):
        return [lib.DK_CONV_WINOGRAD] + [lib.DK_CONV_WINOGRAD_2X2] * (case.size == (3, 3))
    return [lib.DK_CONV_WINOGRAD_2X2] * ((case.size, case.stride) == ((3, 3), (2, 2)))


def algorithms(case):
    plain = lib.DK_CONV_DEPTHWISE if is_depthwise(case) else lib.DK_CONV_INDIRECT
    return [lib.DK_CONV_AUTO, lib.DK_CONV_IM2COL, plain, *winograds(case)]


def uses_winograd(case, algorithm, which):
    """Whether this pass runs a Winograd algorithm, whose transforms round."""
    if algorithm == lib.DK_CONV_AUTO:
        shape = struct("dk_conv_shape", case.fields())
        algorithm = lib.dk_convolution_choose(shape, case.batch, *case.out_plane(), which)
    return algorithm in {lib.DK_CONV_WINOGRAD, lib.DK_CONV_WINOGRAD_2X2}


def plain_algorithms(case, which):
    """Those that multiply and add the operands as they are."""
    return [a for a in algorithms(case) if not uses_winograd(case, a, which)]


def patches(case, x):
    """[n, y, x, group, channel of the group, i, j], float64: what every output sees."""
    n, (out_h, out_w) = case.batch, case.out_plane()
    seen = np.zeros((n, out_h, out_w, case.channels, *case.size))
    for (y, z, i, j), _ in np.ndenumerate(np.empty((out_h, out_w, *case.size))):
        sy = y * case.stride[0] - case.pad[0] + i * case.dilation[0]
        sx = z * case.stride[1] - case.pad[1] + j * case.dilation[1]
        if 0 <= sy < case.plane[0] and 0 <= sx < case.plane[1]:
            seen[:, y, z, :, i, j] = x[:, sy, sx]
    return seen.reshape(n, out_h, out_w, case.groups, -1, *case.size)


def forward_reference(case, x, weights):
    w = weights.astype(np.float64).reshape(case.groups, -1, *case.weights_shape()[1:])
    return np.einsum("nyxgcij,gfcij->nyxgf", patches(case, x), w).reshape(case.y_shape())


def data_reference(case, dy, weights):
    n, out_h, out_w, _ = case.y_shape()
    w = weights.astype(np.float64).reshape(case.groups, -1, *case.weights_shape()[1:])
    spread = np.einsum("nyxgf,gfcij->nyxgcij", dy.reshape(n, out_h, out_w, case.groups, -1), w)
    spread = spread.reshape(n, out_h, out_w, case.channels, *case.size)
    dx = np.zeros(case.x_shape())
    for (y, z, i, j), _ in np.ndenumerate(np.empty((out_h, out_w, *case.size))):
        sy = y * case.stride[0] - case.pad[0] + i * case.dilation[0]
        sx = z * case.stride[1] - case.pad[1] + j * case.dilation[1]
        if 0 <= sy < case.plane[0] and 0 <= sx < case.plane[1]:
            dx[:, sy, sx] += spread[:, y, z, :, i, j]
    return dx


def weights_reference(case, x, dy):
    d = dy.astype(np.float64).reshape(*dy.shape[:3], case.groups, -1)
    return np.einsum("nyxgcij,nyxgf->gfcij", patches(case, x), d).reshape(case.weights_shape())


def close(got, exact, terms, magnitude):
    """Differences of a sum of `terms` products whose sizes add up to `magnitude`."""
    assert (abs(got - exact) <= 4 * EPS * np.sqrt(terms) * magnitude + 1e-30).all()
