"""Darknet's kernels as NumPy functions.

Every function of the modules below stands here under Darknet's name; ``flat`` has Darknet's
exact argument lists and is imported when it is first used: networks do without.
"""

import importlib as _importlib
from types import ModuleType as _ModuleType

from darkpy.kernels import simd as _simd  # noqa: F401  (chooses the instruction set)
from darkpy.kernels.activations import *  # noqa: F403
from darkpy.kernels.batchnorm import *  # noqa: F403
from darkpy.kernels.batchnorm_fused import *  # noqa: F403
from darkpy.kernels.biases import *  # noqa: F403
from darkpy.kernels.blas import *  # noqa: F403
from darkpy.kernels.convolution import *  # noqa: F403
from darkpy.kernels.dropout import *  # noqa: F403
from darkpy.kernels.embedding import *  # noqa: F403
from darkpy.kernels.gemm import *  # noqa: F403
from darkpy.kernels.im2col import *  # noqa: F403
from darkpy.kernels.losses import *  # noqa: F403
from darkpy.kernels.maps import *  # noqa: F403
from darkpy.kernels.normalization import *  # noqa: F403
from darkpy.kernels.pooling import *  # noqa: F403
from darkpy.kernels.shortcut_multilayer import *  # noqa: F403
from darkpy.kernels.softmax import *  # noqa: F403


def __getattr__(name: str) -> _ModuleType:
    """Import `flat` at its first use."""
    if name == "flat":
        return _importlib.import_module("darkpy.kernels.flat")
    raise AttributeError(f"module 'darkpy.kernels' has no attribute {name!r}")
