"""The arguments that the benchmarks of networks share."""

from __future__ import annotations

import pytest

from contenders import INFERENCE, TRAINING
from harness.arguments import chosen_contenders, turns_parser
from harness.report import threads_text


@pytest.mark.parametrize("contenders", [INFERENCE, TRAINING])
def test_darkpy_comes_first_and_who_is_left_out_does_not_run(contenders: dict) -> None:
    parser = turns_parser("", contenders, batches=(1, 8), rounds=2, seconds=0.5)
    options = parser.parse_args(["--peers", "PyTorch eager", "darkpy", "--without", "x"])
    assert next(iter(chosen_contenders(options, contenders))) == "darkpy"
    options = parser.parse_args(["--without", "PyTorch eager", "--darknet", "libdarknet.so"])
    names = list(chosen_contenders(options, contenders))
    assert names[0] == "darkpy" and "Darknet" in names and "PyTorch eager" not in names
    assert (options.batch, options.rounds, options.seconds) == ([1, 8], 2, 0.5)


def test_darknet_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DARKNET_LIB", raising=False)
    parser = turns_parser("", INFERENCE, batches=(1,), rounds=1, seconds=1.0)
    assert "Darknet" not in chosen_contenders(parser.parse_args([]), INFERENCE)


def test_an_unknown_contender_is_refused() -> None:
    parser = turns_parser("", INFERENCE, batches=(1,), rounds=1, seconds=1.0)
    with pytest.raises(SystemExit, match="no contender 'Caffe'; there are: darkpy, "):
        chosen_contenders(parser.parse_args(["--peers", "Caffe"]), INFERENCE)


def test_threads_are_counted_in_words() -> None:
    assert [threads_text(n) for n in (1, 2)] == ["1 thread", "2 threads"]
