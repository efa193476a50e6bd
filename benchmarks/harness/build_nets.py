"""The networks on which two builds are compared: cfg texts, and the jobs of each."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.builds import Tree, random_texts, with_net_options

__all__ = ["Case", "Item", "cases", "find_cfg", "items"]

ROOT = Path(__file__).resolve().parents[2]
STEPS = 20
#: Every update counts from the first on.
STEADY: Mapping[str, object] = {"burn_in": 0, "policy": "constant"}


@dataclass(frozen=True)
class Case:
    """A network whose bits are compared.

    Attributes
    ----------
    name : str
        In the table, and of its files.
    text : str
        The cfg.
    training : mapping or None
        Values of [net] while it is trained; None leaves training out.
    inference : mapping
        Values of [net] while it predicts.
    batches : tuple of int
        Images of each prediction.
    more : tuple of (str, mapping)
        More jobs: inference or training with these threads and settings.
    keep : bool
        Look at all outputs and deltas of a training step, too.
    """

    name: str
    text: str
    training: Mapping[str, object] | None = None
    inference: Mapping[str, object] = field(default_factory=dict)
    batches: tuple[int, ...] = (1, 3)
    more: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    keep: bool = False

    def jobs(self, folder: Path, simd: str) -> dict[str, dict[str, Any]]:
        """What the table calls it -> task for bits.py; writes the cfg files."""
        kinds = {"inference": self._job("inference", self.inference, folder)}
        if self.training is not None:
            kinds["training"] = self._job("training", self.training, folder)
        found = dict(kinds)
        for kind, changes in self.more:
            if changes.get("precision") != "bf16" or simd == "avx512":
                words = [f"{key} {value}" for key, value in changes.items()]
                settings = {key: value for key, value in changes.items() if key != "threads"}
                job = kinds[kind] | {"threads": changes.get("threads", 1), "settings": settings}
                found[", ".join([kind, *words])] = job
        return found

    def _job(self, kind: str, options: Mapping[str, object], folder: Path) -> dict[str, Any]:
        path = folder / f"{self.name.replace(' ', '-')}-{kind}.cfg"
        path.write_text(with_net_options(self.text, options))
        return {
            "kind": kind,
            "cfg": str(path),
            "batches": self.batches,
            "steps": STEPS,
            "keep": self.keep,
        }


@dataclass(frozen=True)
class Item:
    """A run whose speed is compared: a prediction, a training step, or a cold start."""

    name: str
    text: str
    job: str
    batch: int
    threads: int

    @property
    def label(self) -> str:
        """How the table names it."""
        what = {"Inference": "predict", "Training": "train_step", "Cold": "cold start"}[self.job]
        plural = "" if self.threads == 1 else "s"
        return f"{self.name} {what}, batch {self.batch}, {self.threads} thread{plural}"


def square(size: int, batch: int = 2, **more: object) -> dict[str, object]:
    """Values of [net] that make a large network quick to train."""
    sizes = {"height": size, "width": size, "batch": batch, "subdivisions": 1}
    return {**STEADY, **sizes, **more}


THREADS = (("inference", {"threads": 2}), ("training", {"threads": 2}))
MEMORY = (("training", {"memory": "low"}), ("training", {"memory": "high"}))
BF16 = (("inference", {"precision": "bf16"}),)

#: Packaged networks: values of `Case`.
PACKAGED: dict[str, dict[str, Any]] = {
    "googlenet": {
        "training": square(96),
        "batches": (1, 3, 5),
        "more": (*THREADS, *MEMORY, *BF16),
    },
    "googlenet-bn": {"training": square(96, 4), "more": (*THREADS, *MEMORY, *BF16)},
    "googlenet-28": {"training": square(28, 8), "more": THREADS},
    "cifar-fast": {"training": square(32, 8), "batches": (1, 3, 9)},
}
#: Darknet's own files, smaller where they would take long.
DARKNET: dict[str, dict[str, Any]] = {
    "alexnet": {"training": square(99)},
    "resnet18": {"training": square(64, 4), "more": (*MEMORY, *BF16)},
    "resnet50": {"inference": square(128), "training": square(64)},
    "resnext50": {"inference": square(96), "training": square(64)},
    "darknet19": {"training": square(64), "more": (*THREADS[:1], *BF16)},
    "darknet53": {"inference": square(96)},
    "densenet201": {"inference": square(96), "training": square(64)},
    "extraction": {"inference": square(128)},
    "go": {"training": square(19, 4)},
    "strided": {"inference": square(256), "training": square(256, learning_rate=0.001)},
    "vgg-conv": {"inference": square(112)},
    "yolov2": {"inference": square(160)},
    "yolov2-tiny": {},
    "yolov3": {"inference": square(96)},
    "yolov3-tiny": {"more": (*THREADS[:1], *BF16)},
}
ADAM = {"adam": 1, "learning_rate": 0.001}
#: Small ones of tests/golden that Adam trains, too.
WITH_ADAM = ("inception_bn_train", "cost_sse_train", "local_layer")
#: What ends a network; others of tests/golden get a head, so that their layers are trained.
ENDS = ("softmax", "logistic", "cost", "yolo", "region")
HEAD = "[connected]\noutput=5\nactivation=linear\n[softmax]\n"


def find_cfg(tree: Tree, name: str) -> str | None:
    """Text of a cfg: a file, a packaged network, or one of Darknet's in the test material."""
    beside = [root.parent / "shared" for root in (tree.path, ROOT)]
    given = os.environ.get("DARKPY_SHARED")
    shared = [Path(given)] if given else beside
    folders = [tree.path / "cfg", *(folder / "data" / "cfg-pjreddie" for folder in shared)]
    for path in [Path(name), *(folder / f"{name}.cfg" for folder in folders)]:
        if path.is_file():
            return path.read_text()
    return None


def _named(tree: Tree, name: str) -> str:
    text = find_cfg(tree, name)
    if text is None:
        raise SystemExit(f"{name}: neither a file nor a known network")
    return text


def cases(tree: Tree, names: Iterable[str] = (), randoms: int = 0) -> Iterator[Case]:
    """Networks whose bits are compared, with texts from `tree`; only `names` where they are given.

    A name from the list below keeps its sizes and settings; other files are run as they are.
    """
    if names:
        for name in names:
            values = {**PACKAGED, **DARKNET}.get(name, {"training": {}, "keep": True})
            yield Case(Path(name).stem, _named(tree, name), **values)
        return
    for name, values in {**PACKAGED, **DARKNET}.items():
        text = find_cfg(tree, name)
        if text is None:
            print(f"left out, its cfg is absent: {name}", file=sys.stderr)
        else:
            yield Case(name, text, **values)
    for path in sorted((tree.path / "tests" / "golden").glob("*/*.cfg")):
        text = path.read_text()
        if not any(f"[{end}]" in text for end in ENDS):
            text += f"\n{HEAD}"
        yield Case(path.stem, text, {}, keep=True)
        if path.stem in WITH_ADAM:
            yield Case(f"{path.stem} adam", text, ADAM, keep=True)
    for number, text in enumerate(random_texts(tree, randoms)):
        more = (*MEMORY, *BF16) if number % 4 == 0 else ()
        yield Case(f"random {number}", text, {}, more=more, keep=True)


def items(tree: Tree, names: Iterable[str] = ()) -> Iterator[Item]:
    """Runs whose speed is compared; of `names` a prediction, a step and a cold start each."""
    if names:
        for name in names:
            text = _named(tree, name)
            for job, batch in (("Inference", 1), ("Training", 4), ("Cold", 1)):
                yield Item(Path(name).stem, text, job, batch, 2)
        return
    wanted = (
        *(("googlenet", "Inference", batch, threads) for batch in (1, 8) for threads in (1, 2)),
        ("googlenet-bn", "Inference", 8, 2),
        ("darknet19", "Inference", 1, 2),
        ("yolov3-tiny", "Inference", 1, 2),
        ("googlenet-28", "Training", 64, 2),
        ("googlenet", "Training", 8, 1),
        ("googlenet", "Training", 8, 2),
        ("googlenet-bn", "Training", 8, 2),
        ("resnet18", "Training", 8, 2),
        ("cifar-fast", "Training", 64, 2),
        ("googlenet", "Cold", 1, 2),
    )
    for name, job, batch, threads in wanted:
        found = find_cfg(tree, name)
        if found is not None:
            yield Item(name, found, job, batch, threads)
