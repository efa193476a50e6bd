"""darkpy of one source tree, which the task names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contenders import darkpy_engine
from harness.builds import check_tree

__all__ = ["Inference", "Training"]


class Inference(darkpy_engine.Inference):
    """``net.predict`` of that tree."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        check_tree(task["tree"])
        super().__init__(task)


class Training(darkpy_engine.Training):
    """``net.train_step`` of that tree."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        check_tree(task["tree"])
        super().__init__(task)
