"""[yolo]: the output of a detection head, YOLOv3 and later; inference only so far."""

from __future__ import annotations

from typing import Any

import numpy as np

from darkpy.config.options import flag, integer, integers, real, reals, text
from darkpy.engine.program import Tensor
from darkpy.layers.recorder import Recorder
from darkpy.layers.registry import register
from darkpy.layers.shared.detection_head import LINEAR, LOGISTIC, DetectionHead

__all__ = ["Yolo"]


@register("yolo")
class Yolo(DetectionHead):
    """YOLOv3's head: logistic x, y, objectness and classes; unchanged w and h.

    The output keeps Darknet's planes: for each anchor of the mask x, y, w, h, objectness, classes.

    Source: Darknet yolo_layer.c; scale_x_y and new_coords from AlexeyAB's.
    """

    options = (
        integer("classes", 20, "number of classes", minimum=1),
        integer("num", 1, "number of anchors in all", minimum=1),
        integers("mask", None, "the anchors of this head; default: all", minimum=0),
        reals("anchors", None, "widths and heights in pixels of the network's input"),
        integer("max", None, "boxes per image in training", minimum=1),
        real("jitter", 0.2, "training: sides of the random crop move by up to this share"),
        real("ignore_thresh", 0.5, "training: IoU above which a cell is not called empty"),
        real("truth_thresh", 1.0, "training: IoU above which a cell counts as hit"),
        real("random", 0.0, "training: unless 0, the input's size changes every 10 updates"),
        text("map", None, "file of class numbers"),
        real("scale_x_y", 1.0, "x becomes s * x - (s - 1) / 2, y too", dialect="alexeyab"),
        flag("new_coords", False, "no activation in the head", dialect="alexeyab"),
        text(
            "iou_loss",
            "mse",
            "training: loss of the boxes: mse, iou, giou, diou or ciou",
            dialect="alexeyab",
        ),
        real("iou_normalizer", 0.75, "training: factor of the boxes' deltas", dialect="alexeyab"),
        real(
            "obj_normalizer", 1.0, "training: factor of the objectness deltas", dialect="alexeyab"
        ),
        real(
            "cls_normalizer",
            1.0,
            "training, with counters_per_class: factor of the true class's delta",
            dialect="alexeyab",
        ),
        real(
            "delta_normalizer", 1.0, "training on a GPU: factor of all deltas", dialect="alexeyab"
        ),
        real(
            "max_delta",
            None,
            "training: limit of the boxes' deltas by IoU losses",
            dialect="alexeyab",
        ),
        real(
            "iou_thresh",
            1.0,
            "training: IoU of shapes above which an anchor counts as hit",
            dialect="alexeyab",
        ),
        text(
            "iou_thresh_kind",
            "iou",
            "training: which IoU iou_thresh is compared with",
            dialect="alexeyab",
        ),
        flag(
            "objectness_smooth",
            False,
            "training: cells above ignore_thresh learn their IoU as objectness",
            dialect="alexeyab",
        ),
        real(
            "label_smooth_eps",
            0.0,
            "training: e in a class's target y (1 - e) + e / 2",
            dialect="alexeyab",
        ),
        flag(
            "focal_loss",
            False,
            "training: class deltas get the weights of the focal loss",
            dialect="alexeyab",
        ),
        reals(
            "counters_per_class",
            None,
            "training: objects of each class in the data: rare ones weigh more",
            dialect="alexeyab",
        ),
        text(
            "nms_kind",
            "default",
            "suppression of boxes: default, greedynms or diounms",
            dialect="alexeyab",
        ),
        real(
            "beta_nms",
            0.6,
            "suppression by diounms: exponent of the boxes' distance",
            dialect="alexeyab",
        ),
        real("resize", 1.0, "training: range of the random zoom", dialect="alexeyab"),
        flag("show_details", True, "training: print parts of the loss", dialect="alexeyab"),
    )

    def configure(self) -> None:
        """Check the channels."""
        o = self.values
        shape = self.need_image()
        mask = tuple(range(o.num)) if o.mask is None else o.mask
        if any(anchor >= o.num for anchor in mask):
            raise o.error("mask", f"names an anchor that num={o.num} does not have")
        if o.anchors is not None and len(o.anchors) < 2 * o.num:
            raise o.error("anchors", f"must hold {2 * o.num} numbers for num={o.num}")
        entry = o.classes + 5
        if shape.channels != len(mask) * entry:
            raise o.error(
                "classes",
                f"needs {len(mask)} * ({o.classes} + 5) = {len(mask) * entry} channels, "
                f"the layer before has {shape.channels}",
            )
        kinds = np.full(entry, LINEAR if o.new_coords else LOGISTIC, np.uint8)
        kinds[2:4] = LINEAR
        self.kinds = np.tile(kinds, len(mask))
        self.entry = entry

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the logistic channels, and the stretched x and y."""
        super().forward(recorder, inputs, output)
        scale = self.values.scale_x_y
        if scale == 1:
            return
        for anchor in range(0, output.channels, self.entry):
            xy = output.channel_slice(anchor, 2)
            recorder.affine(self, xy, xy, scale, -0.5 * (scale - 1))
