"""The operator that looks at nothing by itself.

``python -m tests.e2e.operator.enforcement.only_told`` starts it.

What it sees all the same, a watch or a date has told it. So a test can wait for it for as long as
any machine may take, and still know that it didn't come by the way.
"""

from responsibility.controller import loop
from responsibility.controller.main import main

NEVER = 86_400.0
# Lists, which would bring what a watch has missed.
SETTINGS = {"RELIST_SECONDS": f"{NEVER:.0f}", "OWN_RELIST_SECONDS": f"{NEVER:.0f}"}

if __name__ == "__main__":
    loop._IDLE = NEVER
    main()
