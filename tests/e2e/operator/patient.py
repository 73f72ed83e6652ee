"""The operator with time to judge: ``python -m tests.e2e.operator.patient``.

What it is too slow for passes, as it should: within two seconds of which a machine that tests may
give it none. What is judged here is what it says when it comes to it.
"""

from responsibility.controller.main import main
from responsibility.controller.webhooks.values import ValuesReviews

# Seconds; the API server has to wait as long.
BUDGET = 25.0
TIMEOUT = 30

if __name__ == "__main__":
    (ValuesReviews.__init__.__kwdefaults__ or {})["budget"] = BUDGET
    main()
