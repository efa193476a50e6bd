"""[region]: the output of a detection head, YOLOv2; inference only so far."""

from __future__ import annotations

from typing import Any

import numpy as np

from darkpy.config.options import flag, integer, real, reals, text
from darkpy.engine.program import Tensor, Values
from darkpy.layers.recorder import Recorder
from darkpy.layers.registry import register
from darkpy.layers.shared.detection_head import LINEAR, LOGISTIC, DetectionHead

__all__ = ["Region"]


@register("region")
class Region(DetectionHead):
    """YOLOv2's head: logistic x, y, objectness; softmax (or logistic) classes; unchanged w, h.

    Source: Darknet region_layer.c.
    """

    options = (
        reals("anchors", None, "widths and heights in cells; default: .5 each"),
        integer("coords", 4, "coordinates of a box", minimum=4),
        integer("classes", 20, "number of classes", minimum=1),
        integer("num", 1, "number of anchors", minimum=1),
        flag("log", False, "read for compatibility"),
        flag("sqrt", False, "read for compatibility"),
        flag("softmax", False, "classes are normalised by softmax, else by the logistic function"),
        flag("background", False, "objectness stands for the background and joins the softmax"),
        integer("max", None, "boxes per image in training", minimum=1),
        real("jitter", 0.2, "training: sides of the random crop move by up to this share"),
        flag("rescore", False, "training: the target of objectness is the box's IoU, not 1"),
        real("thresh", 0.5, "training: IoU above which a cell is not called empty"),
        flag(
            "classfix",
            False,
            "training, AlexeyAB's: cells that overlap a truth learn its class, too",
        ),
        flag("absolute", False, "read for compatibility"),
        flag("random", False, "training: the input's size changes every 10 updates"),
        real("coord_scale", 1.0, "training: factor of the boxes' deltas"),
        real("object_scale", 1.0, "training: factor of the objectness deltas where an object is"),
        real("noobject_scale", 1.0, "training: factor of the objectness deltas elsewhere"),
        real("mask_scale", 1.0, "training: factor of the deltas of coordinates beyond 4"),
        real("class_scale", 1.0, "training: factor of the classes' deltas"),
        flag("bias_match", False, "training: truths choose by the anchors' shapes, not the boxes'"),
        text("tree", None, "class hierarchy: not supported"),
        text("map", None, "file of class numbers"),
    )

    def configure(self) -> None:
        """Check the channels."""
        o = self.values
        shape = self.need_image()
        if o.tree is not None:
            raise o.error("tree", "class hierarchies are not supported by this version of darkpy")
        entry = o.coords + 1 + o.classes
        if shape.channels != o.num * entry:
            raise o.error(
                "num",
                f"needs {o.num} * ({o.coords} + 1 + {o.classes}) = {o.num * entry} channels, "
                f"the layer before has {shape.channels}",
            )
        kinds = np.full(entry, LINEAR, np.uint8)
        kinds[:2] = LOGISTIC
        if not o.background:
            kinds[o.coords] = LOGISTIC
        if not o.softmax:
            kinds[o.coords + 1 :] = LOGISTIC
        self.kinds = np.tile(kinds, o.num)
        self.entry = entry

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the logistic channels and the softmax over the classes."""
        super().forward(recorder, inputs, output)
        o = self.values
        if not o.softmax:
            return
        first = o.coords if o.background else o.coords + 1
        recorder.add(
            self,
            "dk_softmax_forward",
            writes=("y",),
            x=Values(output, first),
            y=Values(output, first),
            rows=output.pixels,
            x_stride=output.stride,
            y_stride=output.stride,
            groups=o.num,
            group_stride=self.entry,
            group_size=self.entry - first,
            temperature=1.0,
        )
