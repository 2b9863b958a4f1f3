"""`python -m gfncp`, which is also what launchers of several processes start."""

import sys

from gfncp.cli import main

sys.exit(main())
