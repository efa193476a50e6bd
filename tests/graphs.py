"""Named networks whose layers are read by several others, and what makes such texts."""

from __future__ import annotations

__all__ = ["GRAPHS", "HEAD", "TAIL", "conv", "pool", "route", "shortcut"]

HEAD = """
[net]
batch=2
height=6
width=5
channels=4
learning_rate=0.05
decay=0.01
"""
TAIL = """
[connected]
output=3
activation=linear
[softmax]
"""


def conv(filters: int = 4, **options: object) -> str:
    lines = {"filters": filters, "size": 3, "pad": 1, "activation": "tanh", **options}
    return "[convolutional]\n" + "".join(f"{key}={value}\n" for key, value in lines.items())


def route(layers: str, **options: object) -> str:
    return f"[route]\nlayers={layers}\n" + "".join(f"{k}={v}\n" for k, v in options.items())


def pool(size: int, stride: int, padding: int) -> str:
    return f"[maxpool]\nsize={size}\nstride={stride}\npadding={padding}\n"


def shortcut(source: int, **options: object) -> str:
    return f"[shortcut]\nfrom={source}\n" + "".join(f"{k}={v}\n" for k, v in options.items())


GRAPHS = {
    "inception": conv() + conv(3) + route("0") + conv(5) + route("0") + conv(16) + route("1,3,5"),
    "dense net": conv(3) + conv(2) + route("-1,-2") + conv(2) + route("-1,-2") + conv(2)
    + route("-1,-2"),
    "route of routes": conv(3) + conv(5) + route("0,1") + conv(2) + route("2,3") + route("4,0"),
    "route of routes twice": conv(3) + conv(5) + route("0,1") + conv(2) + route("2,3,2")
    + route("2,4"),
    "same source in two routes": conv(3) + conv(5) + route("0,1") + conv(2) + route("0,3")
    + conv(3) + route("2,4,5"),
    "a source twice": conv(3) + route("0,0"),
    "a source twice among others": conv(3) + conv(2) + route("1,0,1") + conv(4),
    "groups": conv(6) + route("0", groups=3, group_id=1) + conv(2) + route("0,1,2"),
    "groups of groups": conv(8) + route("0", groups=2, group_id=1)
    + route("1", groups=2, group_id=1) + conv(3) + route("2,3"),
    "both halves": conv(8) + route("0", groups=2, group_id=1) + route("0", groups=2)
    + route("1,2"),
    "halves in order": conv(8) + route("0", groups=2) + route("0", groups=2, group_id=1)
    + route("1,2"),
    "a half left out": conv(8) + route("0", groups=2, group_id=1),
    "groups of several": conv(6) + conv(4) + route("0,1", groups=2, group_id=1),
    "yolov4 tiny block": conv(8) + route("-1", groups=2, group_id=1) + conv(4) + conv(4)
    + route("-1,-2") + conv(8, size=1) + route("0,-1"),
    "an alias of an alias": conv(4) + route("0") + route("1") + conv(4) + route("2,3"),
    "alias first, base after": conv(4) + route("0") + conv(4) + route("1,0") + route("0,3"),
    "read by route, shortcut and conv": conv(4) + conv(4) + shortcut(-2) + conv(4)
    + route("0,1,-1") + conv(4) + shortcut(0) + route("2,-1"),
    "shortcut of a routed layer": conv(4) + conv(4) + route("0,1") + conv(8) + shortcut(2),
    "shortcut reads what it follows": conv(4) + shortcut(-1) + shortcut(0),
    "shortcut chain": conv(4) + conv(4) + shortcut(-2, activation="leaky") + conv(4)
    + shortcut(-2, activation="leaky") + conv(4) + shortcut(-2, activation="leaky"),
    "route of shortcuts": conv(4) + conv(4) + shortcut(0) + conv(4) + shortcut(2) + route("2,4"),
    "shortcut more channels": conv(4) + conv(7) + shortcut(0),
    "shortcut fewer channels": conv(7) + conv(4) + shortcut(0, alpha=0.5, beta=2),
    "shortcut smaller source": conv(4, stride=2, pad=1) + "[upsample]\n" + shortcut(0),
    "shortcut larger source": conv(2) + "[upsample]\n" + conv(4) + conv(3, stride=2)
    + shortcut(2, beta=-1),
    "shortcut with factors": conv(4) + conv(4) + shortcut(0, alpha=0.5, beta=-2, activation="elu"),
    "dropout read twice": conv(4) + "[dropout]\n" + conv(4) + shortcut(-2) + route("0,1,3"),
    "dropout in a route": conv(4) + "[dropout]\n" + route("0,1"),
    "routed softmax": conv(4) + "[softmax]\nnoloss=1\n" + route("0") + conv(2),
    "an unused branch": conv(4) + conv(3) + conv(9) + route("0"),
    "two poolings joined": conv(4) + "[maxpool]\nsize=2\nstride=1\n" + route("0")
    + "[local_avgpool]\nsize=2\nstride=1\n" + route("1,3,0"),
    "reorg in a route": conv(4) + conv(8) + "[reorg]\nflatten=1\n"
    + route("1,2"),
    "l2norm, lrn and batchnorm on a slice": conv(4) + conv(3) + route("0,1") + "[batchnorm]\n"
    + route("1") + "[normalization]\nalpha=0.1\n" + route("0") + "[l2norm]\n" + route("3,5,7,0"),
    "batch normalised branches": conv(4, batch_normalize=1) + conv(3, batch_normalize=1)
    + route("0") + conv(5, batch_normalize=1, activation="mish") + route("1,3"),
    "connected read twice": conv(4) + "[connected]\noutput=6\nactivation=tanh\n"
    + "[connected]\noutput=5\nactivation=tanh\n" + route("1,2"),
    "pooled vectors joined": conv(4) + "[avgpool]\n" + route("0") + conv(3) + "[avgpool]\n"
    + route("1,4"),
    "activation in place of its input": conv(4) + "[activation]\nactivation=swish\n"
    + route("0,1"),
    "pooled filters": conv(5, activation="leaky") + pool(3, 2, 2) + conv(3),
    "pooled branches": conv(4, activation="relu") + conv(3, activation="elu") + route("0")
    + conv(5, activation="logistic") + route("1,3") + pool(3, 1, 2) + conv(3),
    "pooled filters read twice": conv() + pool(2, 2, 1) + conv(3) + route("0") + pool(2, 2, 1)
    + route("2,4"),
    "pooled twice": conv() + pool(2, 1, 0) + pool(3, 2, 2) + conv(3),
    "windows outside the image": conv() + pool(2, 2, 6) + "[activation]\nactivation=logistic\n",
    "pooled behind batch normalisation": conv(batch_normalize=1) + pool(2, 2, 0),
    "pooled behind an activation that needs its input": conv(activation="mish") + pool(2, 2, 0),
    "pooled behind an activation over channels": conv(activation="normalize_channels")
    + pool(2, 2, 0),
    "half of the channels pooled": conv(4) + route("0", groups=2) + pool(2, 2, 0),
    "half of the joined channels pooled": conv(4) + conv(4) + route("0") + conv(4)
    + route("1,3", groups=2) + pool(2, 2, 0),
    "pooled a source twice": conv(4) + conv(4) + route("0") + conv(4) + route("1,3,1")
    + pool(2, 2, 0),
    "pooled with filters that another reads": conv(4) + conv(4) + route("0,1") + pool(2, 2, 0),
    "pooled behind dropout": conv(4) + "[dropout]\n" + pool(2, 2, 0),
    "sums behind batch normalisation": conv(4)
    + 2 * (conv(3, batch_normalize=1, activation="relu")
           + conv(4, batch_normalize=1, activation="linear") + shortcut(-3, activation="leaky"))
    + conv(4, batch_normalize=1, activation="linear") + shortcut(-2),
    "a sum of two batch normalisations": conv(4, batch_normalize=1, activation="linear")
    + route("0") + conv(4, batch_normalize=1, activation="linear") + shortcut(0, activation="relu"),
    "a sum of a layer that another reads": conv(4)
    + conv(4, batch_normalize=1, activation="linear") + shortcut(0, activation="relu")
    + route("1,2"),
    "a sum with an activation of its input": conv(4)
    + conv(4, batch_normalize=1, activation="linear") + shortcut(0, activation="mish"),
    "trained layer only late": "[maxpool]\nsize=2\nstride=1\n" + route("0,0") + shortcut(-2)
    + "[avgpool]\n",
}  # fmt: skip
