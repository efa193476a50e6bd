"""A cache of a network's plans, for the batch sizes and purposes that were needed last."""

from __future__ import annotations

from typing import Any

from darkpy.layers.shared.filter_layer import FilterLayer
from darkpy.network.model import Model
from darkpy.network.plan import Plan
from darkpy.network.precision import need_float32

__all__ = ["MAX_PLANS", "Plans"]

#: Number of plans that are kept; the one that was not used for the longest time is dropped first.
MAX_PLANS = 4


class Plans:
    """Makes plans, binds them to memory, and keeps those that were used last.

    Parameters
    ----------
    model : Model
        Its `seen` decides where the gradient stops; a plan also depends on its forced algorithms.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._plans: dict[tuple[Any, ...], Plan] = {}

    def __len__(self) -> int:
        """Return the number of plans that are kept now."""
        return len(self._plans)

    def clear(self) -> None:
        """Drop all plans and free their memory."""
        self._plans.clear()

    def get(
        self,
        batch: int,
        *,
        training: bool = False,
        keep: bool = False,
        wanted: tuple[int, ...] = (),
    ) -> Plan:
        """Return a plan, ready to run; see `Plan` for the parameters.

        Raises
        ------
        StateError
            The plan is for training, and the network is not in float32.
        TrainingError
            There is not enough memory to train that many images at a time.
        """
        model = self._model
        if training:
            need_float32(model.precision, model.path, "trained")
        stop = model.last_stopped if training else -1
        algorithms = tuple(la.algorithm for la in model.layers if isinstance(la, FilterLayer))
        key = (batch, training, keep, wanted, algorithms)
        plan = self._plans.pop(key, None)
        if plan is not None and plan.stop != stop:
            plan = None  # `stop` changes once or twice and does not come back: free the memory
        if plan is None:
            while len(self._plans) >= MAX_PLANS:
                del self._plans[next(iter(self._plans))]
            plan = Plan(
                model.layers,
                model.input_shape,
                batch,
                training=training,
                keep=keep,
                wanted=wanted,
                stop=stop,
                memory=model.memory,
            )
            if training:
                from darkpy.network.training_memory import require_memory

                require_memory(model, plan)
            plan.program.bind()
        self._plans[key] = plan
        return plan
