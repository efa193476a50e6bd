"""The memory of a training step: how much it needs, and how much there is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from darkpy.errors import ArgumentError, TrainingError
from darkpy.network.model import Model
from darkpy.network.optimisers import optimiser_of
from darkpy.network.plan import Plan
from darkpy.network.precision import need_float32

__all__ = ["TrainingMemory", "available_memory", "megabytes", "require_memory", "training_memory"]

#: Linux: the memory that is available without swapping, and the limit of a container.
MEMINFO = Path("/proc/meminfo")
CGROUPS = ((Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),)


@dataclass(frozen=True)
class TrainingMemory:
    """Bytes that a training step with `images` images needs.

    Attributes
    ----------
    images : int
        Images of a step: [net] batch / subdivisions.
    arena : int
        Activations that the backward pass reads, and deltas.
    scratch : int
        Scratch memory of single calls.
    weights : int
        All parameters that a weights file holds.
    updates : int
        Update buffers, and the optimiser's other arrays.
    """

    images: int
    arena: int
    scratch: int
    weights: int
    updates: int

    @property
    def total(self) -> int:
        """The sum of all parts; the memory of Python itself is not included."""
        return self.arena + self.scratch + self.weights + self.updates

    def __str__(self) -> str:
        """Return the total and its parts as text."""
        return (
            f"{megabytes(self.total)} (activations and deltas {megabytes(self.arena)},"
            f" work space {megabytes(self.scratch)}, weights {megabytes(self.weights)},"
            f" their updates {megabytes(self.updates)})"
        )


def megabytes(count: int) -> str:
    """Return a number of bytes as text: ``612 MB``, ``20.1 GB``."""
    if count < 10_000_000:
        return f"{count / 1e6:.1f} MB"
    return f"{count / 1e6:,.0f} MB" if count < 10_000_000_000 else f"{count / 1e9:,.1f} GB"


def training_memory(model: Model, images: int | None = None) -> TrainingMemory:
    """Return the memory that a training step will need.

    Activations and work space are not allocated for it; parameters and their updates are.

    Parameters
    ----------
    model : Model
    images : int, optional
        Images of a step; by default the cfg's batch / subdivisions.

    Raises
    ------
    ArgumentError
        `images` is below 1, or the network has nothing to train.
    """
    count = model.mini_batch if images is None else images
    if count < 1:
        raise ArgumentError(f"images at once must be at least 1, not {count}")
    if not model.truths:
        raise ArgumentError(f"{model.path}: the network has no layer with a cost to train")
    need_float32(model.precision, model.path, "trained")
    plan = Plan(
        model.layers,
        model.input_shape,
        count,
        training=True,
        stop=model.last_stopped,
        memory=model.memory,
    )
    return _memory_of(model, plan)


def _memory_of(model: Model, plan: Plan) -> TrainingMemory:
    """Return the memory of a training plan and of the model's parameters."""
    weights = updates = 0
    arrays = 1 + len(optimiser_of(model.options).state)
    for layer in model.layers:
        for parameter in layer.parameters.values():
            weights += parameter.nbytes
            if parameter.trainable:
                updates += parameter.nbytes * arrays
    arena, scratch = plan.program.sizes()
    return TrainingMemory(plan.batch, arena, scratch, weights, updates)


def available_memory() -> int | None:
    """Bytes that machine and container still have for this process; None if unknown."""
    found: list[int] = []
    try:
        for line in MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                found.append(1024 * int(line.split()[1]))
    except (OSError, ValueError, IndexError):
        pass
    for limit, used in CGROUPS:
        try:
            found.append(int(limit.read_text()) - int(used.read_text()))
        except (OSError, ValueError):  # no such group, or "max"
            pass
    return min(found) if found else None


def require_memory(model: Model, plan: Plan) -> None:
    """Raise TrainingError if this machine has not enough memory for a training plan.

    Raises
    ------
    TrainingError
        The message says how much it needs, how much is free, and which `subdivisions` would fit.
    """
    free = available_memory()
    if free is None:
        return
    arena, scratch = plan.program.sizes()
    if arena + scratch <= free:
        return
    text = (
        f"{model.path}: training {plan.batch} images at once takes"
        f" {_memory_of(model, plan)}, but only {megabytes(free)} are free"
    )
    smaller = _largest_that_fits(model, plan.batch, free)
    if smaller is None:
        raise TrainingError(f"{text}: not even one image at a time fits")
    pieces, memory = smaller
    raise TrainingError(
        f"{text}: the largest that fits is subdivisions={pieces}, {memory.images}"
        f" {'image' if memory.images == 1 else 'images'} at once, with {megabytes(memory.total)}"
    )


def _largest_that_fits(model: Model, images: int, free: int) -> tuple[int, TrainingMemory] | None:
    """Return the fewest subdivisions of the cfg's batch that fit, and their memory."""
    batch, steps = int(model.options.batch), int(model.options.time_steps)
    for pieces in range(1, batch + 1):
        count = batch // pieces * steps
        if batch % pieces or count >= images:
            continue
        memory = training_memory(model, count)
        if memory.arena + memory.scratch <= free:
            return pieces, memory
    return None
