"""`python -m engine`: the engine alone."""

import sys

from engine.generate_command import main

sys.exit(main())
