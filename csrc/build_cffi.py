"""Build recipe of the extension module ``darkpy._kernels`` (cffi, API mode).

The headers are the only list of C functions: what stands between ``/* [cffi begin] */`` and ``/*
[cffi end] */`` in them is given to cffi as it is, and the same headers are included in the
generated source, so the compiler compares both.
"""

import re
import sys
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from build_options import COMPILE_ARGS, LINK_ARGS  # noqa: E402

ROOT = HERE.parent
# Lower floors first, and dk_types.h before all: the others use its types.
FLOORS = (".", "simd", "matrix", "engine", "kernels")
HEADERS = [
    HERE / "dk_types.h",
    *(
        header
        for floor in FLOORS
        for header in sorted((HERE / floor).glob("*.h"))
        if header.name != "dk_types.h" and "[cffi begin]" in header.read_text()
    ),
]
# simd/ is compiled once per instruction set: see setup.py.
SOURCES = sorted(c for c in HERE.rglob("*.c") if c.parent.name != "simd")


def public_declarations() -> str:
    """All marked regions of the public headers, in order."""
    marked = re.compile(r"/\* \[cffi begin\] \*/(.*?)/\* \[cffi end\] \*/", re.DOTALL)
    return "\n".join(text for header in HEADERS for text in marked.findall(header.read_text()))


ffibuilder = FFI()
ffibuilder.cdef(public_declarations())
ffibuilder.set_source(
    "darkpy._kernels",
    "\n".join(f'#include "{header.relative_to(HERE).as_posix()}"' for header in HEADERS),
    sources=[source.relative_to(ROOT).as_posix() for source in SOURCES],
    include_dirs=["csrc"],
    depends=[path.relative_to(ROOT).as_posix() for path in sorted(HERE.rglob("*.[hi]*"))],
    extra_compile_args=COMPILE_ARGS,
    extra_link_args=LINK_ARGS,
)
