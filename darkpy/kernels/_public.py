"""The public names of ``darkpy.kernels``: the functions of all its modules, side by side."""

from darkpy.kernels.activations import *  # noqa: F403
from darkpy.kernels.batchnorm import *  # noqa: F403
from darkpy.kernels.batchnorm_fused import *  # noqa: F403
from darkpy.kernels.biases import *  # noqa: F403
from darkpy.kernels.blas import *  # noqa: F403
from darkpy.kernels.col2im import *  # noqa: F403
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
