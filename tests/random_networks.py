"""Random networks: hypothesis draws a DAG of layers that fit each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

__all__ = ["networks"]

Draw = Callable[[st.SearchStrategy[Any]], Any]

SMOOTH = ("linear", "logistic", "tanh", "elu", "loggy", "swish", "mish", "gelu", "selu")
KINKED = ("leaky", "relie", "ramp", "hard_mish", "lhtan", "plse")
CHANNELS = (1, 2, 3, 4, 6, 8, 12, 15, 16, 17, 33)


class _Builder:
    """Appends sections and keeps every layer's (channels, height, width)."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.lines: list[str] = []
        self.shapes: list[tuple[int, int, int]] = []

    def pick(self, *values: Any) -> Any:
        return self.draw(st.sampled_from(values))

    def add(self, name: str, shape: tuple[int, int, int], **options: Any) -> None:
        self.lines.append(f"[{name}]")
        self.lines += [f"{key.rstrip('_')}={value}" for key, value in options.items()]
        self.shapes.append(shape)

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.shapes[-1] if self.shapes else self.input

    # -- one method per section; each returns whether it could add something ----------------------

    def convolutional(self) -> bool:
        c, h, w = self.shape
        size = self.pick(1, 2, 3, 5)
        options: dict[str, Any] = {"size": size}
        padding = size // 2
        if self.pick(True, False):
            options["pad"] = 1
        else:
            options["padding"] = padding = self.pick(0, 1, 2, 3)
        options["stride"] = stride = self.pick(1, 1, 2, 3)
        if min(h, w) + 2 * padding < size:
            return False
        filters = self.pick(*CHANNELS)
        groups = self.pick(*(g for g in (1, 2, 3, 4, c) if c % g == 0 and filters % g == 0))
        if groups > 1:
            options["groups"] = groups
        out = (
            filters,
            (h + 2 * padding - size) // stride + 1,
            (w + 2 * padding - size) // stride + 1,
        )
        if self.pick(True, False) and out[1] * out[2] >= 6:
            options["batch_normalize"] = 1
        self.add(
            "convolutional", out, filters=filters, activation=self.pick(*SMOOTH, *KINKED), **options
        )
        return True

    def maxpool(self) -> bool:
        return self._pool("maxpool")

    def local_avgpool(self) -> bool:
        return self._pool("local_avgpool")

    def _pool(self, name: str) -> bool:
        c, h, w = self.shape
        size, stride = self.pick(1, 2, 3, 4), self.pick(1, 2, 3)
        padding = self.pick(0, 1, size - 1)
        if min(h, w) + padding < size:
            return False
        out = (c, (h + padding - size) // stride + 1, (w + padding - size) // stride + 1)
        # A window that lies outside the image altogether has no maximum.
        if any(
            (n - 1) * stride - padding // 2 >= limit
            for n, limit in zip(out[1:], (h, w), strict=True)
        ):
            return False
        self.add(name, out, size=size, stride=stride, padding=padding)
        return True

    def avgpool(self) -> bool:
        self.add("avgpool", (self.shape[0], 1, 1))
        return True

    def _earlier(self, h: int, w: int) -> list[int]:
        return [i for i, shape in enumerate(self.shapes) if shape[1:] == (h, w)]

    def route(self) -> bool:
        if not self.shapes:
            return False
        first = self.draw(st.integers(0, len(self.shapes) - 1))
        _, h, w = self.shapes[first]
        fitting = self._earlier(h, w)
        more = self.draw(st.lists(st.sampled_from(fitting), max_size=3))
        sources = [first, *more]
        groups = self.pick(
            *(g for g in (1, 1, 2, 3) if all(self.shapes[s][0] % g == 0 for s in sources))
        )
        options = {"groups": groups, "group_id": self.pick(*range(groups))} if groups > 1 else {}
        channels = sum(self.shapes[s][0] // groups for s in sources)
        if channels > 64:
            return False
        written = [s if self.pick(True, False) else s - len(self.shapes) for s in sources]
        self.add("route", (channels, h, w), layers=",".join(map(str, written)), **options)
        return True

    def shortcut(self) -> bool:
        if not self.shapes:
            return False
        c, h, w = self.shape

        def fits(shape: tuple[int, int, int]) -> bool:
            def factors(a: int, b: int) -> tuple[int, int]:
                return max(1, a // b), max(1, b // a)

            return factors(shape[1], h) == factors(shape[2], w)

        sources = [i for i, shape in enumerate(self.shapes) if fits(shape)]
        source = self.pick(*sources)
        factors = self.pick({}, {"alpha": 0.5}, {"beta": -1.5}, {"alpha": 2, "beta": 0.25})
        self.add(
            "shortcut",
            (c, h, w),
            from_=source - len(self.shapes),
            activation=self.pick("linear", *SMOOTH, "leaky"),
            **factors,
        )
        return True

    def upsample(self) -> bool:
        c, h, w = self.shape
        stride = self.pick(2, 3, -2, -3)
        scale = self.pick(1, 0.5)
        if stride > 0:
            if h * w * stride**2 > 200:
                return False
            shape = (c, h * stride, w * stride)
        elif h % stride or w % stride:
            return False
        else:
            shape = (c, h // -stride, w // -stride)
        self.add("upsample", shape, stride=stride, scale=scale)
        return True

    def crop(self) -> bool:
        c, h, w = self.shape
        height = self.draw(st.integers(max(1, h - 2), h))
        width = self.draw(st.integers(max(1, w - 2), w))
        self.add(
            "crop",
            (c, height, width),
            crop_height=height,
            crop_width=width,
            flip=self.pick(0, 1),
            noadjust=self.pick(0, 1),
        )
        return True

    def reorg(self) -> bool:
        c, h, w = self.shape
        kind = self.pick("reorg", "reverse", "flatten", "reorg3d")
        if kind == "flatten":
            self.add("reorg", (c, h, w), flatten=1, reverse=self.pick(0, 1))
        elif kind == "reverse":
            if c % 4 or h * w > 60:
                return False
            self.add("reorg", (c // 4, h * 2, w * 2), stride=2, reverse=1)
        else:
            if h % 2 or w % 2 or c > 12 or (kind == "reorg" and c % 4):
                return False
            self.add(kind, (c * 4, h // 2, w // 2), stride=2)
        return True

    def local(self) -> bool:
        _, h, w = self.shape
        size, stride, pad = self.pick((1, 1, 0), (2, 1, 0), (3, 1, 1), (3, 2, 0), (2, 3, 0))
        if min(h, w) + 2 * pad < size or h * w > 60:
            return False
        filters = self.pick(1, 2, 5)
        out = (filters, (h + 2 * pad - size) // stride + 1, (w + 2 * pad - size) // stride + 1)
        self.add(
            "local", out, filters=filters, size=size, stride=stride, pad=pad,
            activation=self.pick(*SMOOTH),
        )  # fmt: skip
        return True

    def batchnorm(self) -> bool:
        if self.shape[1] * self.shape[2] < 6:
            return False
        self.add("batchnorm", self.shape)
        return True

    def dropout(self) -> bool:
        self.add("dropout", self.shape, probability=self.pick(0.2, 0.5))
        return True

    def normalization(self) -> bool:
        self.add(
            "normalization", self.shape, size=self.pick(1, 3, 4, 5), alpha=self.pick(1e-2, 0.2)
        )
        return True

    def activation(self) -> bool:
        self.add("activation", self.shape, activation=self.pick(*SMOOTH, *KINKED))
        return True


SECTIONS = (
    *("convolutional",) * 5,
    *("route",) * 4,
    *("shortcut",) * 3,
    *("maxpool", "maxpool", "local_avgpool", "avgpool", "upsample", "upsample", "crop", "reorg"),
    *("local", "batchnorm", "dropout", "normalization", "activation"),
)


@st.composite
def networks(draw: Draw, most: int = 10) -> str:
    """The text of a cfg with a cost at its end, and now and then one in its middle."""
    builder = _Builder(draw)
    c, h, w = draw(st.sampled_from((1, 3, 4))), draw(st.integers(3, 9)), draw(st.integers(3, 9))
    builder.input = (c, h, w)
    subdivisions = builder.pick(1, 1, 2)
    head = [
        *("[net]", f"batch={builder.pick(1, 2, 3) * subdivisions}"),
        *(f"subdivisions={subdivisions}", f"channels={c}", f"height={h}", f"width={w}"),
        *("learning_rate=0.01", "momentum=0.9", "decay=0.01"),
    ]
    builder.convolutional()
    for name in draw(st.lists(st.sampled_from(SECTIONS), max_size=most)):
        getattr(builder, name)()
    classes = builder.pick(2, 5)
    before = len(builder.shapes)
    if before and builder.pick(True, False):  # an auxiliary head in the middle
        builder.add("connected", (classes, 1, 1), output=classes, activation="linear")
        builder.add(
            "softmax", (classes, 1, 1), **builder.pick({}, {"loss_weight": 0.3}, {"temperature": 2})
        )
        builder.add("route", builder.shapes[before - 1], layers=before - 1)
        for name in draw(st.lists(st.sampled_from(SECTIONS), max_size=2)):
            getattr(builder, name)()
    normalize = {"batch_normalize": 1} if builder.pick(False, False, True) else {}
    if normalize:
        head[1] = f"batch={6 * subdivisions}"
    builder.add("connected", (classes, 1, 1), output=classes, activation="linear", **normalize)
    builder.add(*builder.pick(("softmax", (classes, 1, 1)), ("cost", (classes, 1, 1))))
    return "\n".join(head + builder.lines) + "\n"
