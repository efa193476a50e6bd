"""The option table of [net].

The declarations are those of Darknet's `parse_net_options`; keys marked "alexeyab" come from that
fork. Many of them steer its GPU code, its OpenCV windows or its video loader: they are declared so
that its files load without warnings, and their meaning says when darkpy does not use them.
"""

from __future__ import annotations

from darkpy.config.option import choice, flag, integer, integers, real, reals

__all__ = ["NET_OPTIONS", "OPTIMISER_FLAGS", "POLICIES"]

#: Largest height, width or number of channels of the input.
MAX_SIDE = 1 << 16

#: Learning-rate policies; `darkpy.network.schedules` has their formulas.
POLICIES = ("constant", "step", "steps", "exp", "poly", "sigmoid", "random", "sgdr")

_BATCHES = (
    integer("batch", 1, "samples per update", minimum=1, maximum=1 << 20),
    integer("subdivisions", 1, "pieces a batch is processed in", minimum=1, maximum=1 << 20),
    integer("time_steps", 1, "steps of a recurrent network", minimum=1, maximum=MAX_SIDE),
    integer("max_batches", 0, "updates to train for; 0: no end", minimum=0),
)

_INPUT = (
    integer("height", 0, "rows of the input", minimum=0, maximum=MAX_SIDE),
    integer("width", 0, "columns of the input", minimum=0, maximum=MAX_SIDE),
    integer("channels", 0, "channels of the input", minimum=0, maximum=MAX_SIDE),
    integer(
        "inputs",
        None,
        "values per sample where there is no image: height*width*channels",
        minimum=1,
    ),
)

_OPTIMISER = (
    real("learning_rate", 0.001, "factor on every step, before the policy", minimum=0),
    real("momentum", 0.9, "share of the update buffers that is kept", minimum=0, maximum=1),
    real("decay", 0.0001, "weight decay (L2), on weights only", minimum=0),
    flag("adam", False, "Adam instead of momentum"),
    real("B1", 0.9, "Adam: decay of the first moment", minimum=0, below=1),
    real("B2", 0.999, "Adam: decay of the second moment", minimum=0, below=1),
    real("eps", None, "Adam: added to the root; 1e-7, in alexeyab's dialect 1e-6", above=0),
    real(
        "clip",
        0.0,
        "clamps the weights after an update; GPU only in Darknet, not used",
        minimum=0,
        dialect="pjreddie",
    ),
    real(
        "ema_alpha",
        0.0,
        "moving average of the weights; not used",
        minimum=0,
        maximum=1,
        dialect="alexeyab",
    ),
)

#: Flag of [net] -> the optimiser that it turns on; without any of them it is "sgd".
OPTIMISER_FLAGS = {"adam": "adam"}

_SCHEDULE = (
    choice(
        "policy", "constant", POLICIES, "learning rate over the updates", alexeyab_choices=("sgdr",)
    ),
    integer("burn_in", 0, "first updates, with a rising learning rate", minimum=0),
    real("power", 4.0, "exponent of the policies poly and random and of burn_in", minimum=0),
    integer("step", 1, "policy step: updates between changes; sigmoid: its middle", minimum=1),
    real("scale", 1.0, "policy step: factor at each change"),
    integers("steps", None, "policy steps: the updates of the changes; required"),
    reals("scales", None, "policy steps: the factor at each change; required"),
    real("gamma", 1.0, "policy exp: factor per update; sigmoid: steepness"),
    real("learning_rate_min", 1e-5, "policy sgdr: lowest rate", minimum=0, dialect="alexeyab"),
    integer(
        "sgdr_cycle",
        None,
        "policy sgdr: updates of the first cycle; max_batches",
        minimum=1,
        dialect="alexeyab",
    ),
    integer("sgdr_mult", 2, "policy sgdr: growth of the cycles", minimum=1, dialect="alexeyab"),
)

_AUGMENTATION = (
    integer(
        "max_crop",
        None,
        "longest short side drawn before the crop, pixels; 2*width",
        minimum=0,
        maximum=2 * MAX_SIDE,
    ),
    integer(
        "min_crop",
        None,
        "shortest short side drawn before the crop, pixels; width",
        minimum=0,
        maximum=2 * MAX_SIDE,
    ),
    real(
        "max_ratio",
        None,
        "largest scale of multi-scale training, not used; max_crop/width",
        above=0,
        dialect="pjreddie",
    ),
    real(
        "min_ratio",
        None,
        "smallest scale of multi-scale training, not used; min_crop/width",
        above=0,
        dialect="pjreddie",
    ),
    flag(
        "center", False, "crop the centre instead of a random place; not used", dialect="pjreddie"
    ),
    real("angle", 0.0, "largest rotation, degrees", minimum=0),
    real("aspect", 1.0, "largest factor on the aspect ratio", above=0),
    real("saturation", 1.0, "largest factor on the saturation", above=0),
    real("exposure", 1.0, "largest factor on the brightness", above=0),
    real("hue", 0.0, "largest shift of the hue, turns", minimum=0),
    flag("notruth", False, "load images without their truth; not used", dialect="pjreddie"),
    flag("random", False, "multi-scale training of a classifier; not used", dialect="pjreddie"),
    flag("flip", True, "mirror half of the images", dialect="alexeyab"),
    integer("blur", 0, "blur of the background or image; not used", minimum=0, dialect="alexeyab"),
    integer("gaussian_noise", 0, "noise on the image; not used", minimum=0, dialect="alexeyab"),
    integer(
        "mixup",
        0,
        "1: mix images, 2: cutmix, 3: mosaic, 4: both; not used",
        minimum=0,
        maximum=4,
        dialect="alexeyab",
    ),
    flag("cutmix", False, "same as mixup=2; not used", dialect="alexeyab"),
    flag("mosaic", False, "same as mixup=3; not used", dialect="alexeyab"),
    flag(
        "mosaic_bound",
        False,
        "boxes stay inside their tile of a mosaic; not used",
        dialect="alexeyab",
    ),
    flag(
        "letter_box",
        False,
        "keep the aspect ratio, with grey borders; not used",
        dialect="alexeyab",
    ),
    integer(
        "resize_step",
        32,
        "grid of the sizes of multi-scale training, pixels; not used",
        minimum=1,
        maximum=MAX_SIDE,
        dialect="alexeyab",
    ),
    flag(
        "dynamic_minibatch",
        False,
        "mini-batch follows the drawn size; not used",
        dialect="alexeyab",
    ),
    real(
        "label_smooth_eps",
        0.0,
        "share of the truth that the wrong classes get in training",
        minimum=0,
        below=1,
        dialect="alexeyab",
    ),
    flag(
        "flip_alternately",
        False,
        "mirror each photo in every other epoch instead of at random; half of them begin mirrored",
        dialect="darkpy",
    ),
    integer(
        "translate",
        0,
        "training photos move by up to this many pixels along each axis, mirrored at the border",
        minimum=0,
        maximum=MAX_SIDE,
        dialect="darkpy",
    ),
    integer(
        "cutout",
        0,
        "side of a grey (.5) square at a random place of each training photo, in pixels",
        minimum=0,
        maximum=MAX_SIDE,
        dialect="darkpy",
    ),
    real("adversarial_lr", 0.0, "adversarial changes of the images; not used", dialect="alexeyab"),
)

_VIDEO = (
    flag("track", False, "sequences of frames; not used", dialect="alexeyab"),
    integer(
        "augment_speed", 2, "largest step between frames; not used", minimum=0, dialect="alexeyab"
    ),
    integer(
        "sequential_subdivisions",
        None,
        "pieces of a sequence; subdivisions; not used",
        minimum=1,
        dialect="alexeyab",
    ),
    reals("seq_scales", None, "factors on them at `steps`; 1 each; not used", dialect="alexeyab"),
)

_TOOLS = (
    flag("contrastive", False, "pairs of differently changed images; not used", dialect="alexeyab"),
    flag(
        "contrastive_jit_flip", False, "their jitter and flip differ; not used", dialect="alexeyab"
    ),
    flag("contrastive_color", False, "their colours differ; not used", dialect="alexeyab"),
    flag("unsupervised", False, "training without labels; not used", dialect="alexeyab"),
    flag("attention", False, "shows an attention map; not used", dialect="alexeyab"),
    real("max_chart_loss", 20.0, "top of the loss chart; not used", dialect="alexeyab"),
    flag("show_receptive_field", False, "prints receptive fields; not used", dialect="alexeyab"),
    real(
        "badlabels_rejection_percentage",
        0.0,
        "share of the largest yolo deltas to drop; not used",
        minimum=0,
        maximum=100,
        dialect="alexeyab",
    ),
    real(
        "num_sigmas_reject_badlabels",
        0.0,
        "likewise, in standard deviations; not used",
        minimum=0,
        dialect="alexeyab",
    ),
    real(
        "equidistant_point",
        0.0,
        "update from which small deltas are dropped; not used",
        minimum=0,
        dialect="alexeyab",
    ),
    flag("try_fix_nan", False, "GPU: clears NaN; not used", dialect="alexeyab"),
    integer(
        "weights_reject_freq",
        0,
        "GPU: updates between rejections; not used",
        minimum=0,
        dialect="alexeyab",
    ),
    real("loss_scale", 1.0, "GPU: half precision; not used", above=0, dialect="alexeyab"),
    flag("use_cuda_graph", False, "GPU; not used", dialect="alexeyab"),
    integer("optimized_memory", 0, "GPU memory; not used", minimum=0, dialect="alexeyab"),
    integer("workspace_size_limit_MB", 1024, "GPU memory; not used", minimum=0, dialect="alexeyab"),
)

#: Every option of [net].
NET_OPTIONS = (
    *_BATCHES,
    *_INPUT,
    *_OPTIMISER,
    *_SCHEDULE,
    *_AUGMENTATION,
    *_VIDEO,
    *_TOOLS,
)
