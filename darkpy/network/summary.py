"""The layer table, as text."""

from __future__ import annotations

from darkpy.layers.base import Layer
from darkpy.layers.shared.filter_layer import FilterLayer
from darkpy.network.fusing import find_folds
from darkpy.network.model import Model
from darkpy.network.training_memory import training_memory

__all__ = ["summary"]


def summary(model: Model, images: int | None = None) -> str:
    """Return one line per layer: kind, sizes, parameters, multiply-adds; totals below.

    Parameters are what training learns: weights, biases and scales, as papers count them. The
    rolling means and variances of batch normalisation are named apart in the last line.
    Multiply-adds are those of convolutions and dense layers: outputs times taps.

    Parameters
    ----------
    model : Model
        Only its cfg matters, not its weights. The algorithms are those of inference with one image.
    images : int, optional
        Also report the memory of a training step with this many images.
    """
    rows = [("", "layer", "", "input", "output", "parameters", "M multiply-adds", "algorithm")]
    total_parameters = total_statistics = total_work = 0
    folds = find_folds(
        model.layers, range(len(model.layers)), [layer.index for layer in model.answers]
    )
    joined = {first: second for second, first in folds.items()}
    for layer in model.layers:
        count = sum(p.count for p in layer.parameters.values() if p.trainable)
        total_statistics += sum(p.count for p in layer.parameters.values() if not p.trainable)
        work = layer.multiply_adds()
        total_parameters += count
        total_work += work
        rows.append(
            (
                str(layer.index),
                layer.kind,
                layer.describe(),
                str(layer.input_shapes[0]),
                str(layer.output_shape),
                f"{count:,}" if count else "",
                f"{work / 1e6:,.1f}" if work else "",
                _algorithm(layer, joined.get(layer.index)),
            )
        )
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    right = (True, False, False, False, False, True, True, False)
    lines = [
        "  ".join(
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in rows
    ]
    statistics = f" and {total_statistics:,} rolling statistics" if total_statistics else ""
    lines.append(
        f"{model.name}: {len(model.layers)} layers, {total_parameters:,} parameters{statistics}, "
        f"{_multiply_adds(total_work)} multiply-adds an image; dialect {model.dialect.name}"
    )
    if model.precision != "fp32":
        lines.append(f"precision {model.precision} where the algorithm says so, else fp32")
    if images is not None:
        memory = training_memory(model, images)
        lines.append(f"training {images} images at once takes {memory}")
    return "\n".join(lines)


def _multiply_adds(count: int) -> str:
    """Billions, or millions of a small network."""
    return f"{count / 1e9:.3f} G" if count >= 1e8 else f"{count / 1e6:.3f} M"


def _algorithm(layer: Layer, joined: int | None) -> str:
    """How inference computes a layer's filters; `joined`: the layer into which they are folded."""
    if joined is not None:
        return f"in layer {joined}"
    return layer.chosen_algorithm() if isinstance(layer, FilterLayer) else ""
