"""``python -m darkpy``: the same as the command ``darkpy``."""

import sys

from darkpy.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
