"""The arrays that all contenders' kernels work on: equal in all processes, made at first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Arrays", "KernelContender"]

FloatArray = npt.NDArray[np.float32]
#: Values of an answer that are compared.
SAMPLE = 100_000


class Arrays:
    """Maps `x`, `y`, `out`, `out2` of (N, C, H, W), and one value per channel of this and that."""

    def __init__(self, shape: tuple[int, int, int, int]) -> None:
        self.shape = shape
        self.channels = shape[1]

    def _map(self, seed: int) -> FloatArray:
        return np.random.default_rng(seed).standard_normal(self.shape, np.float32)

    def _channel(self, seed: int, low: float, high: float) -> FloatArray:
        values = np.random.default_rng(seed).uniform(low, high, self.channels)
        return values.astype(np.float32)

    @cached_property
    def x(self) -> FloatArray:
        """Normal values."""
        return self._map(0)

    @cached_property
    def y(self) -> FloatArray:
        """Other normal values."""
        return self._map(1)

    @cached_property
    def small(self) -> FloatArray:
        """Of half the height and width."""
        n, c, h, w = self.shape
        return np.random.default_rng(2).standard_normal((n, c, h // 2, w // 2), np.float32)

    @cached_property
    def out(self) -> FloatArray:
        """Written; touched once, so that no page is fresh."""
        return np.ones(self.shape, np.float32)

    @cached_property
    def out2(self) -> FloatArray:
        """Written."""
        return np.ones(self.shape, np.float32)

    @cached_property
    def rows(self) -> FloatArray:
        """`x` as rows of 1024."""
        return self.x.reshape(-1)[: self.x.size // 1024 * 1024].reshape(-1, 1024)

    @cached_property
    def row_out(self) -> FloatArray:
        """Written, the shape of `rows`."""
        return self.out.reshape(-1)[: self.rows.size].reshape(self.rows.shape)

    @cached_property
    def mean(self) -> FloatArray:
        """Per channel, near 0."""
        return self._channel(3, -0.1, 0.1)

    @cached_property
    def variance(self) -> FloatArray:
        """Per channel, near 1."""
        return self._channel(4, 0.5, 1.5)

    @cached_property
    def scales(self) -> FloatArray:
        """Per channel, near 1."""
        return self._channel(5, 0.5, 1.5)

    @cached_property
    def biases(self) -> FloatArray:
        """Per channel, near 0."""
        return self._channel(6, -0.5, 0.5)


class KernelContender:
    """One kernel of one library, from the table `cases`: name -> what prepares its call."""

    def __init__(
        self, task: Mapping[str, Any], cases: Mapping[str, Callable[[Arrays], Callable[[], Any]]]
    ) -> None:
        if task["case"] not in cases:
            raise NotImplementedError("no such kernel")
        n, c, h, w = task["shape"]
        self.run = cases[task["case"]](Arrays((n, c, h, w)))

    def answer(self) -> FloatArray:
        """The first values of the result."""
        result = self.run()
        if isinstance(result, tuple):
            result = result[0]
        return np.array(result, np.float32).reshape(-1)[:SAMPLE]
