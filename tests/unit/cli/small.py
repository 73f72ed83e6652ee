"""A small organisation in files: one hub, three items, and one of everything that can be wrong."""

MODEL = """\
apiVersion: responsibility.2i2c.org/v1alpha1
kind: ResponsibilityModel
metadata: {name: small}
spec:
  parties:
  - name: provider
    displayName: Provider
    contact: {email: support@provider.example}
    subjects: [{kind: Group, name: engineers}]
  - {name: community}
  items:
  - name: settings
    number: 1
    title: Settings
    kinds: [kubernetes]
    owner: provider
    required:
    - {verbs: [patch], apiGroups: [apps], resources: [deployments]}
    reserved:
    - {verbs: [patch], apiGroups: [apps], resources: [deployments]}
    valuesPaths: [singleuser.memory, 'singleuser.profileList[*].mem_*']
  - name: secrets
    number: 2
    title: Secrets
    kinds: [kubernetes]
    owner: community
    reserved:
    - {verbs: [get], apiGroups: [""], resources: [secrets], resourceNames: [$(prefix)hub]}
    valuesPaths: [singleuser, hub.config.*.admin_users]
  - {name: support, number: 3, title: Support, kinds: [attested], owner: community}
"""

RECORD = """\
apiVersion: responsibility.2i2c.org/v1alpha1
kind: Responsibility
metadata: {name: reef}
spec:
  hub: {namespace: reef, release: reef, displayName: Reef}
  model: small
  parties:
  - name: community
    displayName: Reef people
    contact: {url: https://reef.example}
    subjects: [{kind: Group, name: reef-leads}]
    hubUsers: [lead]
  items:
  - name: settings
    delegates:
    - party: community
      until: "2026-03-01T00:00:00Z"
      bounds: [{path: singleuser.memory.limit, max: 8Gi}]
  - {name: support, reviewAfter: "2026-02-01"}
"""


def hub(name: str) -> str:
    """Return a hub that JupyterHub's chart made, with its namespace, both of this name."""
    return f"""\
apiVersion: v1
kind: Namespace
metadata: {{name: {name}}}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: hub
  namespace: {name}
  labels: {{app: jupyterhub, component: hub, release: {name}, chart: jupyterhub-4.3.3}}
"""


HUB = hub("reef")

RBAC = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: operate, namespace: reef}
rules:
- {verbs: [patch], apiGroups: [apps], resources: [deployments]}
- {verbs: [get], apiGroups: [""], resources: [secrets], resourceNames: [hub]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: engineers, namespace: reef}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: operate}
subjects:
- {kind: Group, name: engineers, apiGroup: rbac.authorization.k8s.io}
- {kind: User, name: leaver, apiGroup: rbac.authorization.k8s.io}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: leads, namespace: reef}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {kind: Group, name: reef-leads, apiGroup: rbac.authorization.k8s.io}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: elsewhere}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: not-here}
subjects:
- {kind: ServiceAccount, name: robot, namespace: reef}
"""

FILES = {"model.yaml": MODEL, "record.yaml": RECORD, "hub.yaml": HUB, "rbac/people.yaml": RBAC}
AT = "2026-02-15"
LATER = "2026-04-01"
