"""``python -m emnlp`` is the command line."""

import sys

from emnlp.cli import main

if __name__ == "__main__":
    sys.exit(main())
