"""Compiler flags, one place for all of the C core.

No -ffast-math: it would make the linker flush denormals in the whole Python process.
``DARKPY_OPENMP=0`` builds without OpenMP, as does a compiler that cannot link it.
``DARKPY_CFLAGS`` holds flags that come last, such as ``-O1`` for a build with sanitizers.
"""

import os
import platform
import shlex
import subprocess
import sysconfig
import tempfile
from pathlib import Path

BASE_ARGS = [
    "-std=gnu11",
    "-O3",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
    "-Wshadow",
    *shlex.split(os.environ.get("DARKPY_CFLAGS", "")),
]

# Instruction set -> flags; its source is simd/NAME.c.
SIMD_ARGS: dict[str, list[str]] = {"baseline": []}
if platform.machine() in ("x86_64", "AMD64"):
    SIMD_ARGS["avx2"] = ["-mavx2", "-mfma"]
    SIMD_ARGS["avx512"] = [
        *("-mavx2", "-mfma", "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"),
        "-mprefer-vector-width=512",
    ]
    SIMD_ARGS["avx512_bf16"] = [*SIMD_ARGS["avx512"], "-mavx512bf16"]


def can_link_openmp() -> bool:
    """Compile and link a three-line OpenMP program with the compiler that will be used."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text(
            "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n"
        )
        command = [*compiler, "-fopenmp", str(source), "-o", str(Path(folder, "probe"))]
        try:
            return subprocess.run(command, capture_output=True, timeout=60).returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            return False


OPENMP_ARGS = ["-fopenmp"] if os.environ.get("DARKPY_OPENMP") != "0" and can_link_openmp() else []
COMPILE_ARGS = BASE_ARGS + OPENMP_ARGS
LINK_ARGS = OPENMP_ARGS
