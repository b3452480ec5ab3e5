"""How much of the long form is run: a slice in `make test`, all of it with `make faults`."""

import os

IS_LONG = os.environ.get("FLYPAST_TEST_FAULTS") == "long"
