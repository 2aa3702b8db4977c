"""`python -m engine`: the engine alone."""

import sys

from engine.solo.command import main

sys.exit(main())
