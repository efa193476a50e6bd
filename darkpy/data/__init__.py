"""Photos and labels: files and arrays in, batches for a network out.

::

    source --sources--> TrainingData --batches (threads)--> x, truth
                idx.py  folder.py  darknet.py  arrays.py     one file per form
                images.py  geometry and colour     prepare.py  a photo to the network's size
                augment.py  random changes, from streams that do not depend on threads

Nothing here knows networks or the training loop.
"""

from __future__ import annotations

from darkpy.data.arrays import dataset_from_arrays
from darkpy.data.augment import Augmentation
from darkpy.data.batches import Batch, InputShape, batches, in_order
from darkpy.data.darknet import AmbiguousLabelWarning, ListDataset
from darkpy.data.dataset import ArrayDataset, Dataset, TrainingData
from darkpy.data.folder import FolderDataset
from darkpy.data.idx import open_idx, read_idx, write_idx
from darkpy.data.images import load_image
from darkpy.data.names import write_names
from darkpy.data.prepare import fit, load_photos
from darkpy.data.sources import Source, open_dataset

__all__ = [
    "AmbiguousLabelWarning",
    "ArrayDataset",
    "Augmentation",
    "Batch",
    "Dataset",
    "FolderDataset",
    "InputShape",
    "ListDataset",
    "Source",
    "TrainingData",
    "batches",
    "dataset_from_arrays",
    "fit",
    "in_order",
    "load_image",
    "load_photos",
    "open_dataset",
    "open_idx",
    "read_idx",
    "write_idx",
    "write_names",
]
