"""The Helms that the chart is tried with: 4 in every run, 3 in long ones and by `test_helm3`."""

from typing import Final

import pytest

# For a fixture's `params`; see `lab.programs` for the programs of these names.
BOTH: Final = ("helm", pytest.param("helm3", marks=pytest.mark.long))
