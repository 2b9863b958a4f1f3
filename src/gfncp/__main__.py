"""Entry point of `python -m gfncp`, which launchers of several processes start as well."""

import sys

from gfncp.cli import main

sys.exit(main())
