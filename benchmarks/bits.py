"""The process of one tree, started by harness/builds.py: hashes of what its darkpy computes.

A task in JSON on stdin, one reply per job in JSON on stdout. A reply is group -> item -> hash, in
the order of the computation, so that the first item that differs is where a difference begins.
Only darkpy's public interface is called: inner modules may move between the trees.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import darkpy
from harness.builds import check_tree

Hashes = dict[str, dict[str, str]]
#: Sections of detectors: with several of them `predict` returns the last one's output only.
HEADS = ("yolo", "region", "detection", "gaussian_yolo")


def digest(arrays: Iterable[npt.NDArray[Any]]) -> str:
    """SHA-256 of types, shapes and bytes."""
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(f"{array.dtype} {array.shape} ".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()


def name(layer: Any) -> str:
    """How tables name a layer."""
    return f"layer {layer.index} [{layer.kind}]"


def parameters(net: Any) -> dict[str, str]:
    """Hash of each layer's parameters."""
    return {
        name(layer): digest(getattr(layer, p) for p in layer.parameters)
        for layer in net.layers
        if layer.parameters
    }


def file_hash(save: Callable[[str], None]) -> str:
    """Hash of the file that `save` writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        save(str(path))
        return hashlib.sha256(path.read_bytes()).hexdigest()


def settle(net: Any) -> None:
    """Give a new network values typical after training: statistics near 0 and 1, biases not 0.

    The summands of shortcuts are small, or sums would grow until all answers are 0 or 1.
    """
    rng = np.random.default_rng(1)
    ranges = {
        "biases": (-0.1, 0.1),
        "scales": (0.5, 1.5),
        "rolling_mean": (-0.1, 0.1),
        "rolling_variance": (0.5, 1.5),
    }
    for layer in net.layers:
        for key in layer.parameters:
            if key in ranges:
                shape = getattr(layer, key).shape
                values = rng.uniform(*ranges[key], shape).astype(np.float32)
                is_added = any(la.kind == "shortcut" for la in net.layers[layer.index + 1 :][:1])
                setattr(layer, key, values / 4 if key == "scales" and is_added else values)


def photos(net: Any, count: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Noise in 0..1, (count, C, H, W)."""
    return rng.random(net.input_shape.array_shape(count), np.float32)


def truth(net: Any, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """One-hot classes for a softmax, else noise in 0..1; (mini-batch, truths)."""
    shape = (net.mini_batch, net.truths)
    if net.answer.kind != "softmax":
        return rng.random(shape, np.float32)
    wanted = np.zeros(shape, np.float32)
    wanted[np.arange(len(wanted)), rng.integers(net.truths, size=len(wanted))] = 1
    return wanted


def loaded(job: dict[str, Any], hashes: Hashes) -> Any:
    """The job's network from a weights file that was written before, with the job's settings."""
    first = darkpy.load(job["cfg"], seed=job.get("seed", 0))
    hashes["first parameters"] = parameters(first)
    settle(first)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "net.weights")
        first.save_weights(path)
        hashes["weights file"] = {"bytes": hashlib.sha256(Path(path).read_bytes()).hexdigest()}
        return darkpy.load(job["cfg"], path, **job.get("settings", {}))


def inference(job: dict[str, Any], hashes: Hashes) -> None:
    """Hash every layer's output, and the result of `predict`, for some batch sizes."""
    net = loaded(job, hashes)
    heads = sum(layer.kind in HEADS for layer in net.layers)
    for batch in job["batches"]:
        x = photos(net, batch, np.random.default_rng(batch))
        outputs = hashes[f"activations {batch}"] = {}
        for layer, output in zip(net.layers, net.activations(x), strict=True):
            outputs[name(layer)] = digest([output])
            if not np.isfinite(output).all():
                hashes.setdefault("not finite", {})[name(layer)] = "output"
        if heads < 2:
            hashes[f"predict {batch}"] = {"answer": digest([net.predict(x)])}


def training(job: dict[str, Any], hashes: Hashes) -> None:
    """Hash the costs of some steps, and the state after them; nothing if no layer has a cost."""
    net = loaded(job, hashes)
    if not net.truths:
        hashes.clear()
        return
    rng = np.random.default_rng(2)
    costs = hashes["costs"] = {}
    try:
        for step in range(job["steps"]):
            x, wanted = photos(net, net.mini_batch, rng), truth(net, rng)
            costs[f"step {step + 1}"] = float(net.train_step(x, wanted)).hex()
        hashes["parameters"] = parameters(net)
        hashes["saved weights"] = {"bytes": file_hash(net.save_weights)}
        hashes["momentum"] = {"bytes": file_hash(net.save_momentum)}
        if job.get("keep"):
            net.train_step(photos(net, net.mini_batch, rng), truth(net, rng), keep=True)
            hashes["kept outputs"] = {name(la): digest([la.output]) for la in net.layers}
            hashes["deltas"] = {name(la): digest([la.delta]) for la in reversed(net.layers)}
    except darkpy.errors.TrainingError as error:
        hashes["diverged"] = {str(error): f"after {len(costs)} steps"}


def files(job: dict[str, Any], hashes: Hashes) -> None:
    """Write weights, an input, and data of some training steps, for measuring speed."""
    folder = Path(job["folder"])
    net = darkpy.load(job["cfg"])
    settle(net)
    net.save_weights(str(folder / "net.weights"))
    rng = np.random.default_rng(3)
    np.save(folder / "input.npy", photos(net, job["batch"], rng))
    if net.truths:
        steps = [(photos(net, net.mini_batch, rng), truth(net, rng)) for _ in range(job["steps"])]
        x, wanted = map(np.stack, zip(*steps, strict=True))
        np.savez(folder / "data.npz", x=x, truth=wanted)


KINDS = {"inference": inference, "training": training, "files": files}


def main() -> None:
    """Do the jobs; an error of darkpy is a reply, too."""
    # Who prints does it to stderr: the replies keep the real stdout.
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    task = json.load(sys.stdin)
    check_tree(task["tree"])
    if darkpy.simd() != task["simd"]:
        raise ImportError(f"uses {darkpy.simd()} in place of {task['simd']}")
    done = []
    for job in task["jobs"]:
        hashes: Hashes = {}
        darkpy.set_num_threads(job.get("threads", 1))
        try:
            KINDS[job["kind"]](job, hashes)
        except darkpy.errors.DarkpyError as error:
            words = str(error).replace(f"{os.path.dirname(job['cfg'])}/", "")
            hashes["error"] = {f"{type(error).__name__}: {words}": ""}
        done.append(hashes)
    json.dump(done, replies)
    replies.close()


if __name__ == "__main__":
    main()
