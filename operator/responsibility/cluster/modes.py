"""The operator's modes, as a table: what each switches on, and which rights it takes.

A mode is a value of the chart; its switches are set apart as well. The chart has the same table in
Helm's language, and the roles that it renders are held against the rights here.
"""

from __future__ import annotations

from dataclasses import dataclass

from responsibility.api.stages import AdmissionStage
from responsibility.cluster.rights import (
    CLUSTER_ENFORCEMENT_RIGHTS,
    CLUSTER_GRANT_RIGHTS,
    ENFORCEMENT_RIGHTS,
    GRANT_RIGHTS,
    PAGE_RIGHTS,
    REVOKE_RIGHTS,
    RIGHTS,
    VERSION_RIGHTS,
    Right,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """One mode: its switches, and in words what records may ask for.

    ``policies`` is whether the chart installs admission policies, which takes no right of the
    operator's; ``limit`` is the furthest stage where ``enforcement`` is on.
    """

    name: str
    policies: bool = False
    enforcement: bool = False
    limit: AdmissionStage = AdmissionStage.DENY
    grants: bool = False
    revocation: bool = False
    allows: str

    @property
    def rights(self) -> tuple[Right, ...]:
        """All that the operator holds in this mode."""
        return wanted(enforcement=self.enforcement, grants=self.grants, revocation=self.revocation)


MODES: tuple[Mode, ...] = (
    Mode(name="audit", allows="nothing but looking: what is asked for is reported as not in force"),
    Mode(
        name="warn",
        policies=True,
        enforcement=True,
        limit=AdmissionStage.WARN,
        allows="`admission: warn`",
    ),
    Mode(name="deny", policies=True, enforcement=True, allows="`admission: warn` or `deny`"),
    Mode(name="grant", policies=True, grants=True, allows="`rbac: grant`"),
    Mode(
        name="revoke",
        policies=True,
        grants=True,
        revocation=True,
        allows="`rbac: revoke`: the operator grants, and deletes the bindings that an approved "
        "plan deletes",
    ),
)


def wanted(
    *,
    enforcement: bool = False,
    enforcement_cluster: bool = True,
    grants: bool = False,
    grants_cluster: bool = False,
    revocation: bool = False,
    page: bool = False,
    versions: bool = False,
) -> tuple[Right, ...]:
    """Return the rights that these switches take."""
    return (
        *RIGHTS,
        *(ENFORCEMENT_RIGHTS if enforcement else ()),
        *(CLUSTER_ENFORCEMENT_RIGHTS if enforcement and enforcement_cluster else ()),
        *(GRANT_RIGHTS if grants else ()),
        *(CLUSTER_GRANT_RIGHTS if grants and grants_cluster else ()),
        *(REVOKE_RIGHTS if revocation else ()),
        *(PAGE_RIGHTS if page else ()),
        *(VERSION_RIGHTS if versions else ()),
    )
