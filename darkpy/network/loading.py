"""Loading: from files to a network."""

from __future__ import annotations

import os

from darkpy.config.sections import read_cfg
from darkpy.network.network import Network
from darkpy.network.packaged import find_cfg

__all__ = ["load"]


def load(
    cfg: str | os.PathLike[str],
    weights: str | os.PathLike[str] | None = None,
    *,
    dialect: str = "auto",
    seed: int = 0,
    strict: bool = False,
    memory: str = "normal",
    precision: str = "fp32",
) -> Network:
    """Read a network.

    Parameters
    ----------
    cfg : str or path
        A .cfg file; if there is none of that name, a packaged one such as ``"googlenet"``.
    weights : str or path, optional
        A .weights file of that network; without it the weights are random.
    dialect : {"auto", "pjreddie", "alexeyab"}
        The fork whose defaults and constants are used; "auto" is alexeyab if the cfg uses a
        section, key or word that only that fork knows.
    seed : int
        Seed of initial weights, dropout and everything else that is random.
    strict : bool
        Unknown keys are errors instead of warnings.
    memory : {"high", "normal", "low"}
        How much training keeps for its backward pass. "high": everything. "normal": it recomputes
        what needs one pass over memory. "low": it recomputes the output of cheap filters, too. The
        results are the same bits.
    precision : {"fp32", "bf16"}
        Number format of inference. With "bf16", the layers that are faster that way round weights
        (once) and inputs to bf16, which has 8 significant bits, and sum in float32; `summary` lists
        them. Needs AVX512_BF16; such a network cannot be trained or saved.

    Returns
    -------
    Network

    Raises
    ------
    ConfigError
        The text begins with ``file:line:``.
    WeightsError
        The weights file is short, long, of another network, or not finite.
    ArgumentError
        `dialect`, `memory` or `precision` is none of these, or this processor has no bf16.
    """
    path = find_cfg(cfg)
    network = Network(
        read_cfg(path),
        dialect=dialect,
        seed=seed,
        strict=strict,
        memory=memory,
        precision=precision,
    )
    if weights is not None:
        network.load_weights(weights)
    return network
