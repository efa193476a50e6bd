"""darkpy of one source tree, which the task names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from contenders import darkpy_engine
from harness.builds import check_tree

__all__ = ["Inference", "Training"]


class Inference(darkpy_engine.Inference):
    """``net.predict`` of that tree; of a detector the last head, as former builds did."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        check_tree(task["tree"])
        super().__init__(task)

    def run(self) -> npt.NDArray[np.float32]:
        """Predict."""
        if len(getattr(self.net, "answers", ())) > 1:
            return super().run()
        return self.net.predict(self.x)

    answer = run


class Training(darkpy_engine.Training):
    """``net.train_step`` of that tree."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        check_tree(task["tree"])
        super().__init__(task)
