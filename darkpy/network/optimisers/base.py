"""What an optimiser is: its arrays, its number in files, its update."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from darkpy.config.net_options import NetOptions
from darkpy.engine.boundary import FloatArray
from darkpy.layers.parameter import Parameter

__all__ = ["Optimiser", "register", "registered"]

OptimiserClass = TypeVar("OptimiserClass", bound="type[Optimiser]")

_CLASSES: dict[str, type[Optimiser]] = {}


class Optimiser(ABC):
    """Base of all optimisers.

    Parameters
    ----------
    options : NetOptions
        The [net] section.
    """

    #: As [net] names it, and the C core (``enum dk_optimiser``).
    name: ClassVar[str]
    #: Stands for it in files of optimiser state; never to be used again for another one.
    file_code: ClassVar[int]
    #: What it keeps for each parameter besides the update buffer, array by array.
    state: ClassVar[tuple[str, ...]] = ()

    def __init__(self, options: NetOptions) -> None:
        self.options = options
        #: Images of an update: update buffers are sums over them.
        self.images = options.update_batch

    @abstractmethod
    def update(self, parameter: Parameter, rate: float, step: int) -> bool:
        """Change a parameter and its arrays, as its update buffer says.

        Parameters
        ----------
        parameter : Parameter
        rate : float
            The learning rate of this update and parameter.
        step : int
            Number of the update, 1 for the first.

        Returns
        -------
        bool
            Whether all new values are finite.
        """

    @abstractmethod
    def stored(self, parameter: Parameter) -> Sequence[FloatArray]:
        """Return the arrays without which training could not go on, in the order of the file."""

    def arrays(self, parameter: Parameter) -> list[FloatArray]:
        """Return the arrays that `state` names, zeros at first."""
        return parameter.state(len(self.state))


def register(name: str) -> Callable[[OptimiserClass], OptimiserClass]:
    """Class decorator: the class is the optimiser of this name, in the module of that name."""

    def add(optimiser: OptimiserClass) -> OptimiserClass:
        optimiser.name = name
        _CLASSES[name] = optimiser
        return optimiser

    return add


def registered(name: str) -> type[Optimiser]:
    """Return the optimiser of a name whose module has been imported."""
    return _CLASSES[name]
