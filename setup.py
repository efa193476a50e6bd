"""The C build: one static library per instruction set, and the cffi module that links them."""

import sys
from pathlib import Path

from setuptools import setup

sys.path.insert(0, str(Path(__file__).resolve().parent / "csrc"))

from build_options import BASE_ARGS, SIMD_ARGS

VECTOR_SOURCES = sorted(str(path) for path in Path("csrc").rglob("*.[hi]*"))

setup(
    packages=[
        *sorted(".".join(p.parent.parts) for p in Path("darkpy").rglob("__init__.py")),
        "darkpy.cfg",
    ],
    package_dir={"darkpy.cfg": "cfg"},
    package_data={"darkpy": ["py.typed", "*.pyi"], "darkpy.cfg": ["*.cfg"]},
    cffi_modules=["csrc/build_cffi.py:ffibuilder"],
    libraries=[
        (
            f"darkpy_{name}",
            {
                "sources": [f"csrc/simd/{name}.c"],
                "include_dirs": ["csrc"],
                "cflags": BASE_ARGS + flags,
                "obj_deps": {"": VECTOR_SOURCES},
            },
        )
        for name, flags in SIMD_ARGS.items()
    ],
    # One wheel for all of Python 3.11 and later. cffi compiles the module against the oldest stable
    # ABI (it defines Py_LIMITED_API without a version), so the tag is what darkpy's Python needs.
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
