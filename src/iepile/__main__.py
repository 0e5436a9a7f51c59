"""`python -m iepile`."""

import sys

from iepile.cli.main import main

sys.exit(main())
