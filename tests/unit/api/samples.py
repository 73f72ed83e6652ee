"""A valid record and a valid model, which use every field, as manifests."""

from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]

LIBRARY = Path(__file__).parent / "data" / "library.yaml"


def record() -> Manifest:
    """Return a record that uses every field."""
    return {
        "apiVersion": "responsibility.2i2c.org/v1alpha1",
        "kind": "Responsibility",
        "metadata": {"name": "leap-prod"},
        "spec": {
            "hub": {
                "namespace": "prod",
                "release": "prod",
                "displayName": "LEAP",
                "cluster": "leap",
            },
            "model": "2i2c",
            "parties": [
                {
                    "name": "community",
                    "displayName": "LEAP community",
                    "contact": {"email": "leads@leap.example", "url": "https://leap.example/hub"},
                    "subjects": [
                        {"kind": "Group", "name": "leap-admins"},
                        {"kind": "ServiceAccount", "namespace": "prod", "name": "deployer"},
                    ],
                    "hubUsers": ["alice-gh"],
                    "hubGroups": ["leads"],
                }
            ],
            "items": [
                {
                    "name": "kubernetes-configuration",
                    "owner": "provider",
                    "delegates": [
                        {
                            "party": "community",
                            "until": "2036-12-31T00:00:00Z",
                            "reason": "spring workshop",
                            "bounds": [{"path": "singleuser.memory.limit", "max": "8Gi"}],
                        }
                    ],
                    "reviewAfter": "2036-03-01",
                    "minimumHolders": 2,
                    "enforcement": {"admission": "warn"},
                    "note": "agreed by mail",
                }
            ],
            "exemptions": [
                {
                    "subject": {"kind": "ServiceAccount", "namespace": "cron", "name": "copy-*"},
                    "items": ["*"],
                    "reason": "copies the monitoring password",
                }
            ],
            "enforcement": {"admission": "observe", "rbac": "audit"},
        },
    }


def model() -> Manifest:
    """Return the small model of another organisation."""
    manifest: Manifest = yaml.safe_load(LIBRARY.read_text(encoding="utf-8"))
    return manifest
