"""The chart's copy of the shipped model's policies; ``make generate`` writes it.

Placeholders for the operator's namespace and account are left for the chart to fill in.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from responsibility.admission.policies.rendered import templates
from responsibility.api.crd import to_yaml
from responsibility.api.parse import load_shipped_model
from tools.generate.copies import keep


def text() -> str:
    """Return the policies as the documents of one file."""
    return "---\n".join(to_yaml(manifest) for manifest in templates(load_shipped_model()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file, or with ``--check`` say whether it differs."""
    return keep(
        "tools.generate.chart_policies",
        lambda file: {file: text()},
        arguments,
        place="file",
    )


if __name__ == "__main__":
    sys.exit(main())
