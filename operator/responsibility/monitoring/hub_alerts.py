"""Alerts about what was agreed.

Their ``namespace`` is the hub's, so that routing by it works as for every other alert of that hub;
``party`` and ``contact`` are the owner of the item. What one binding can cause by the dozen is one
alert for a hub, a level and whom to call, with the causes in its text.
"""

from __future__ import annotations

from responsibility.api.names import NAME_PREFIX
from responsibility.monitoring.alert import Alert, AlertSeverity, Record
from responsibility.monitoring.promql import (
    CAUSES_RECORDED,
    FINDINGS_RECORDED,
    HUB,
    ITEM,
    OPERATOR,
    OWNER_RECORDED,
    TOLD_TOGETHER,
    causes,
    findings,
    grouped,
    indented,
    of_item,
    of_item_or_cluster,
    with_namespace,
)

_HERE = "{{ $labels.hub_namespace }}/{{ $labels.hub }}"
_ITEM = "{{ $labels.item }} of " + _HERE
# A party may be without an address; that is an alert of its own.
_OWNER = "{{ $labels.party }}{{ with $labels.contact }} ({{ . }}){{ end }}"
# A finding of the whole cluster has neither hub nor owner of its own.
_PLACE = (
    "{{ with $labels.hub }}hub {{ $labels.hub_namespace }}/{{ . }}{{ else }}the cluster{{ end }}"
)
_WHOSE = f"{{{{ with $labels.party }}}} Its owner: {_OWNER}.{{{{ end }}}}"
_CALL = f"{{{{ with $labels.party }}}} To call: {_OWNER}.{{{{ end }}}}"
_LOOK = " See `kubectl responsibility drift`, or the status of the record."


def _findings(kind: str) -> str:
    return f'{FINDINGS_RECORDED}{{kind="{kind}"}} > 0'


def _causes(kind: str, *levels: str) -> str:
    level = f', level=~"{"|".join(levels)}"' if levels else ""
    return f'{CAUSES_RECORDED}{{kind="{kind}"{level}}} > 0'


_MANY = "{{ if eq $value 1.0 }}1 cause{{ else }}{{ $value }} causes{{ end }}"
# The worst of them come first by number of findings; what else there is says the command.
_MOST_TOLD = 5
_SELECTED = ", ".join(f"{label}=%q" for label in TOLD_TOGETHER)
_CHOSEN = " ".join(f"$labels.{label}" for label in TOLD_TOGETHER)
_CAUSES = (
    f"{{{{ range $n, $cause := printf `topk({_MOST_TOLD}, max by (cause, what) "
    f"(responsibility_cause_info{{{_SELECTED}}}))` {_CHOSEN} | query }}}}"
    "{{ if $n }}, {{ end }}{{ $cause.Labels.cause }}"
    "{{ with $cause.Labels.what }} ({{ . }}){{ end }}{{ end }}"
)
_EXPLAIN = f" `kubectl responsibility explain` tells of each: {_CAUSES}."

_NOW = findings(HUB, 'kind="excess-access"')
_BEFORE = findings(HUB, 'kind="excess-access"', offset="1h")
_NOW_CAUSED = causes('kind="excess-access"')
_BEFORE_CAUSED = causes('kind="excess-access"', offset="1h")
# Causes that are new, or of more findings than before, on a hub that has more than before: a cause
# is called by its worst finding, and gets another name when that ends. And only where the operator
# was looking an hour ago: what it finds on the first day is old. It exports the metric of the last
# line for each hub it knows, and for the cluster.
_GREW = f"""(
  {_NOW_CAUSED}
  > {_BEFORE_CAUSED}
  or
  {_NOW_CAUSED}
  unless {_BEFORE_CAUSED}
)
and on ({", ".join(HUB)}) (
  {_NOW}
  > {_BEFORE}
  or
  {_NOW}
  unless {_BEFORE}
)
and on ({", ".join(HUB)}) responsibility_exempt_subjects offset 1h"""
# The API server's own count of warnings, by the policies that warn whoever breaks the glass. A
# counter is born with the first one, and increase() does not see a birth.
_USES = (
    "apiserver_validating_admission_policy_check_total"
    f'{{policy=~"{NAME_PREFIX}.+[.]break-glass", enforcement_action="warn"}}'
)
_BROKEN = f"""sum by (cluster, policy) (
  increase({_USES}[1h]) > 0
  or
  ({_USES} unless {_USES} offset 1h)
)"""
# What the operator's webhook was told, by hub. Such a counter is born with its first use, too.
_TOLD = "responsibility_break_glass_uses_total"
_BROKEN_ON_HUB = f"""sum by ({", ".join(ITEM)}) (
  increase({_TOLD}[1h]) > 0
  or
  ({_TOLD} unless {_TOLD} offset 1h)
)"""

# Changes of a hub's values that passed without having been looked at, born with the first one.
_UNSEEN = 'responsibility_values_reviews_total{verdict="unjudged"}'
_UNJUDGED = f"""sum by ({", ".join(HUB)}) (
  increase({_UNSEEN}[1h]) > 0
  or
  ({_UNSEEN} unless {_UNSEEN} offset 1h)
)"""

# Of the delegations of an item about which there is such a finding, those that end that soon. The
# delegate is another party than the owner, whose label `party` is.
_ENDS = grouped("min", (*ITEM, "party"), "responsibility_delegation_end_timestamp_seconds")
_EXPIRING = f"""label_replace(
  {_ENDS},
  "delegate", "$1", "party", "(.*)"
)
- time() < 14 * 86400 > 0
and on ({", ".join(ITEM)}) {_findings("delegation-expiring")}"""

RECORDS = (
    Record(
        OWNER_RECORDED,
        # An item has one owner; should two pods disagree for a moment, a join needs one still.
        f"topk by ({', '.join(ITEM)}) (\n"
        "  1,\n"
        f"  {grouped('max', (*ITEM, 'party', 'contact'), 'responsibility_item_owner_info')}\n"
        ")",
    ),
    Record(
        FINDINGS_RECORDED,
        of_item_or_cluster(findings((*ITEM, "kind"))),
    ),
    Record(CAUSES_RECORDED, with_namespace(grouped("count", TOLD_TOGETHER, causes()))),
)

HUB_ALERTS = (
    Alert(
        "OwnerCannotAct",
        _causes("missing-access"),
        "30m",
        AlertSeverity.TODAY,
        f"An owner on {_PLACE} cannot act",
        f"{_OWNER} is accountable for what needs permissions that it lacks. "
        f"Who would be called in an incident could do nothing.{_EXPLAIN}",
    ),
    Alert(
        "OwnerVacant",
        _findings("owner-vacant"),
        "30m",
        AlertSeverity.TODAY,
        f"Nobody is left to act for the owner of {_PLACE}",
        "All subjects of a party that owns something are gone, or an item is to be enforced and "
        f"its owner has none. Item: {{{{ $labels.item }}}}.{_WHOSE}{_LOOK}",
    ),
    Alert(
        "HubAdminOpen",
        _findings("hub-admin-open"),
        "15m",
        AlertSeverity.TODAY,
        f"Anybody may sign in to hub {_HERE} as one of its admins",
        "The hub's authenticator doesn't prove who somebody is, or has one password for all "
        f"admins.{_WHOSE}{_LOOK}",
    ),
    Alert(
        "HubAdminMissing",
        _findings("hub-admin-missing"),
        "30m",
        AlertSeverity.TODAY,
        f"The owner of {_ITEM} has too few admins inside the hub",
        f"{_OWNER} is accountable for {_ITEM}, and can't do there what only admins of the hub can."
        + _LOOK,
    ),
    Alert(
        "NotEnforced",
        of_item(grouped("max", ITEM, "responsibility_enforced") + " == 0"),
        "15m",
        AlertSeverity.TODAY,
        f"{_ITEM} is not enforced, although that was asked for",
        f"The record asks for more than looking, and it is not in force. Its owner, {_OWNER}, "
        "may rely on something that does not hold. The record's condition Enforced says why.",
    ),
    Alert(
        "BreakGlassUsed",
        "label_replace(\n"
        f"{indented(_BROKEN)},\n"
        f'  "item", "$1", "policy", "{NAME_PREFIX}(.+)[.]break-glass"\n'
        ")",
        "0m",
        AlertSeverity.TODAY,
        "Break-glass access was used: {{ $labels.item }}",
        "Somebody who is let through in an emergency changed what others own. Ask who and why "
        "while they remember; the API server's audit log names them and the hub.",
    ),
    Alert(
        "BreakGlassUsedOnHub",
        of_item(_BROKEN_ON_HUB),
        "0m",
        AlertSeverity.TODAY,
        f"Break-glass access was used: {_ITEM}",
        f"Somebody who is let through in an emergency changed what {_OWNER} owns. Ask who and why "
        "while they remember; Events about the record name them (`kubectl describe resp`).",
    ),
    Alert(
        "ValuesUnjudged",
        with_namespace(_UNJUDGED),
        "0m",
        AlertSeverity.TODAY,
        "A change of a hub's values was not looked at, and passed: {{ $labels.hub_namespace }}"
        "/{{ $labels.hub }}",
        "The webhook for values could not find out in time whose the settings are. Events about "
        "the record name who changed them (`kubectl describe resp`); of a hub that is not named, "
        "the operator's log does. Look at what differs.",
    ),
    Alert(
        "GrantPastEnd",
        _findings("grant-past-end"),
        "15m",
        AlertSeverity.TODAY,
        f"A grant is past its end on {_PLACE}",
        f"A right that was given for a time is still there. Item: {{{{ $labels.item }}}}.{_WHOSE}"
        + _LOOK,
    ),
    Alert(
        "GrantConflict",
        of_item_or_cluster(grouped("max", ITEM, "responsibility_grant_conflicts") + " > 0"),
        "15m",
        AlertSeverity.THIS_WEEK,
        f"The owner of {{{{ $labels.item }}}} on {_PLACE} cannot be granted its rights",
        "A binding that somebody else has made has the name that the grant would have, and the "
        f"operator takes nothing over that is not its own.{_WHOSE} The record's status names it.",
    ),
    Alert(
        "ExcessAccessGrew",
        with_namespace(grouped("count", TOLD_TOGETHER, f"\n{indented(_GREW)}\n")),
        "10m",
        AlertSeverity.TODAY,
        f"More can be done on {_PLACE} than an hour ago by others than the owner",
        "Within the last hour somebody came by a right that the agreement gives to others."
        f"{_CALL}{_LOOK}",
    ),
    Alert(
        "ExcessAccessHigh",
        _causes("excess-access", "high"),
        "1h",
        AlertSeverity.TODAY,
        f"Others than the owner can take over what is agreed on {_PLACE}: {_MANY}",
        "They hold permissions by which a hub, or what is secret in it, is theirs."
        f"{_CALL}{_EXPLAIN}",
    ),
    Alert(
        "ExcessAccess",
        _causes("excess-access", "medium", "low"),
        "1h",
        AlertSeverity.THIS_WEEK,
        f"Others than the owner can do what is agreed otherwise on {_PLACE}: {_MANY}",
        f"They hold permissions that the agreement gives to others.{_CALL}{_EXPLAIN}",
    ),
    Alert(
        "HubAdminExcess",
        _findings("hub-admin-excess"),
        "1h",
        AlertSeverity.THIS_WEEK,
        f"Others than the owner of {_ITEM} are admins inside the hub",
        f"{{{{ $value }}}} users or services, such as who has left.{_WHOSE}{_LOOK}",
    ),
    Alert(
        "ValueOutOfBounds",
        _findings("value-out-of-bounds"),
        "1h",
        AlertSeverity.THIS_WEEK,
        f"Settings of {_ITEM} are not what was agreed",
        f"{{{{ $value }}}} settings of the hub differ from the record.{_WHOSE}{_LOOK}",
    ),
    Alert(
        "ChangedOutOfBand",
        _findings("changed-out-of-band"),
        "1h",
        AlertSeverity.THIS_WEEK,
        f"What belongs to {_ITEM} was changed outside Helm",
        f"{{{{ $value }}}} fields or objects are not as they were deployed.{_WHOSE}{_LOOK}",
    ),
    Alert(
        "VersionSkew",
        _findings("version-skew"),
        "1h",
        AlertSeverity.THIS_WEEK,
        "Nodes run a kubelet that Kubernetes does not support with this API server",
        "Older ones are to be upgraded before the API server goes on; newer ones came too early."
        + _LOOK,
    ),
    Alert(
        "ApiRemoved",
        _findings("api-removed"),
        "1d",
        AlertSeverity.PLANNED,
        f"Hub {_HERE} was deployed by an API version that Kubernetes removes, or has removed",
        "Once the cluster is upgraded, Helm can't upgrade the hub." + _WHOSE + _LOOK,
    ),
    Alert(
        "EnforcementHollow",
        _findings("enforcement-hollow"),
        "15m",
        AlertSeverity.THIS_WEEK,
        f"{{{{ $labels.item }}}} refuses on {_PLACE}, and can be got round",
        "By items that are only observed or warned somebody comes by what this one refuses."
        f"{_WHOSE}{_LOOK}",
    ),
    Alert(
        "OwnersDisagree",
        _findings("owners-disagree"),
        "1h",
        AlertSeverity.THIS_WEEK,
        "Records name different owners of {{ $labels.item }}, which the cluster has only one of",
        "Until they agree, everybody whom a record names counts as an owner." + _LOOK,
    ),
    Alert(
        "DelegationExpired",
        _findings("delegation-expired"),
        "15m",
        AlertSeverity.THIS_WEEK,
        f"A delegation of {_ITEM} has ended, and is still in the record",
        "Since its end, the rights of the party it was made to count as excess."
        f"{_WHOSE} Remove it, or agree on a new end.",
    ),
    Alert(
        "AttestationOverdue",
        _findings("attestation-overdue"),
        "1h",
        AlertSeverity.PLANNED,
        f"{_ITEM} is overdue for its review",
        f"Who owns it was to be looked at again by now.{_WHOSE} Review it, then move reviewAfter.",
    ),
    Alert(
        "DelegationExpiring",
        of_item(_EXPIRING),
        "1h",
        AlertSeverity.PLANNED,
        f"The delegation of {_ITEM} to {{{{ $labels.delegate }}}} ends within two weeks",
        f"It ends in {{{{ $value | humanizeDuration }}}}; then the rights of the delegate count as "
        f"excess. Let it end, or agree with {_OWNER} on a new end, or on who acts afterwards.",
    ),
    Alert(
        "SubjectGone",
        _findings("subject-gone"),
        "1h",
        AlertSeverity.PLANNED,
        f"A ServiceAccount that acts for a party on {_PLACE} does not exist",
        "Whoever may create ServiceAccounts in its namespace could make one of that name." + _LOOK,
    ),
    Alert(
        "ContactMissing",
        _findings("contact-missing"),
        "1h",
        AlertSeverity.PLANNED,
        f"An owner on {_PLACE} cannot be reached",
        "A party owns something and has neither e-mail nor url, so no alert can be routed to it."
        + _LOOK,
    ),
    Alert(
        "AccessUnknown",
        _causes("unknown"),
        "1d",
        AlertSeverity.PLANNED,
        f"It cannot be told whether an owner on {_PLACE} can act",
        f"That depends on who is in a group, which only the identity provider knows."
        f"{_CALL}{_EXPLAIN}",
    ),
    Alert(
        "HubAdminsUnknown",
        _findings("hub-admins-unknown"),
        "1d",
        AlertSeverity.PLANNED,
        f"It cannot be told who administers hub {_HERE}",
        "The operator asks hubs for their admins, and this one gives no answer to go by, or not "
        f"of all.{_WHOSE}{_LOOK}",
    ),
    Alert(
        "ValuesUnknown",
        _findings("values-unknown"),
        "1d",
        AlertSeverity.PLANNED,
        f"It cannot be told whether settings of hub {_HERE} are as agreed",
        "The record says what they are to be, and the operator can't read what they are."
        f"{_WHOSE}{_LOOK}",
    ),
    Alert(
        "ReleaseUnknown",
        _findings("release-unknown"),
        "1d",
        AlertSeverity.PLANNED,
        f"It cannot be told what was changed outside Helm on hub {_HERE}",
        f"The operator is to look, and can't read the release or what it deployed.{_WHOSE}{_LOOK}",
    ),
    Alert(
        "VersionsUnknown",
        _findings("versions-unknown"),
        "1d",
        AlertSeverity.PLANNED,
        "It cannot be told which versions of Kubernetes the nodes run",
        "The operator is to look at them, and can't list nodes." + _LOOK,
    ),
    Alert(
        "RecordRefused",
        grouped("max", (*OPERATOR, "reason"), "responsibility_refused_records") + " > 0",
        "15m",
        AlertSeverity.THIS_WEEK,
        "{{ $value }} records are held against no hub: {{ $labels.reason }}",
        "What they agree on is not checked. `kubectl get resp` shows READY False for them, and "
        "the condition's message says what to change.",
    ),
    Alert(
        "HubsUnrecorded",
        grouped("max", OPERATOR, "responsibility_unrecorded_hubs") + " > 0",
        "1d",
        AlertSeverity.PLANNED,
        "{{ $value }} hubs have no record",
        "Nobody has written down who owns what on them. They are listed in the model's "
        "status.unrecordedHubs; `kubectl responsibility init` drafts a record.",
    ),
    Alert(
        "BreakGlassUndeclared",
        grouped("max", OPERATOR, 'responsibility_break_glass_subjects{declared="false"}') + " > 0",
        "1h",
        AlertSeverity.THIS_WEEK,
        "{{ $value }} subjects may do everything, and the model does not name them",
        "They are in the model's status.breakGlass. Declare those that are meant, with a reason, "
        "and unbind the others.",
    ),
)
