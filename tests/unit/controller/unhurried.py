"""The operator with time to end: ``python -m tests.unit.controller.unhurried``.

What does not end by itself is not cancelled, and is ended with 1, no sooner than a machine that has
more to do would have come to it.
"""

from responsibility.controller.main import main

# Seconds; longer than tests wait, and shorter.
GRACE, LAST = 480.0, 120.0

if __name__ == "__main__":
    main(grace=GRACE, last=LAST)
