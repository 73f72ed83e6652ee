"""The chart's copy of the shipped model's policies.

Placeholders for the operator's namespace and account are left for the chart to fill in.
"""

from __future__ import annotations

from responsibility.admission.policies.rendered import templates
from responsibility.api.crd import to_yaml
from responsibility.api.parse import load_shipped_model


def render() -> str:
    """Return the policies as the documents of one file."""
    return "---\n".join(to_yaml(manifest) for manifest in templates(load_shipped_model()))
