"""Instruction sets and threads: what is there, and that asking for it has an effect."""

from __future__ import annotations

import pytest

from darkpy.engine import simd
from darkpy.errors import ArgumentError


def test_every_machine_has_the_plainest(every_simd):
    assert simd.available()[-1] == "baseline"
    assert simd.simd() == every_simd
    assert simd.lanes() == {"baseline": simd.lanes(), "avx2": 8, "avx512": 16}[every_simd]
    assert simd.lanes() in (4, 8, 16)
    assert every_simd == "avx512" or not simd.has_bf16()


def test_an_unknown_one_is_refused_and_nothing_changes():
    before = simd.simd()
    with pytest.raises(ArgumentError, match=r"'sse9' is not available here: choose .*baseline"):
        simd.use("sse9")
    assert simd.simd() == before


def test_threads_are_counted(threads):
    for count in (1, 2, 7):
        threads(count)
        assert simd.get_num_threads() == (count if simd.has_openmp() else 1)
    for wrong in (0, 257, 1.0, True):
        with pytest.raises(ArgumentError, match="count must be"):
            threads(wrong)


def test_the_compiler_is_named():
    assert any(char.isdigit() for char in simd.compiler())
