"""Darknet's text files -> checked sections and options; knows no layers.

========================  ==========================================================
`sections`                .cfg text -> list of `Section`, line numbers kept
`options`                 one declaration per option -> checked values (`read_options`)
`net_options`             the [net] section (`read_net`)
`dialects`                what differs between the forks of Darknet, in one table
`data_file`               .data files and lists of images, names and labels
`option`, `values`        declaration of one option; written text -> its value
`text`                    bytes -> text, and pieces that all of these files share
========================  ==========================================================
"""

from darkpy.config.dialects import ALEXEYAB, DIALECTS, PJREDDIE, Dialect, detect_dialect
from darkpy.config.net_options import NetOptions, read_net
from darkpy.config.net_table import NET_OPTIONS
from darkpy.config.options import Option, Options, did_you_mean, option_table, read_options
from darkpy.config.sections import Entry, Section, parse_cfg, read_cfg

__all__ = [
    "ALEXEYAB",
    "DIALECTS",
    "NET_OPTIONS",
    "PJREDDIE",
    "Dialect",
    "Entry",
    "NetOptions",
    "Option",
    "Options",
    "Section",
    "detect_dialect",
    "did_you_mean",
    "option_table",
    "parse_cfg",
    "read_cfg",
    "read_net",
    "read_options",
]
