"""Export: networks in other programs' formats, one file for each section; `model` joins them."""
