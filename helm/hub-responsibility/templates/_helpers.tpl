{{- define "hub-responsibility.name" -}}
{{- .Values.nameOverride | default .Chart.Name -}}
{{- end -}}

{{/* The name of everything in the release: the release's own, where that says enough. */}}
{{- define "hub-responsibility.fullname" -}}
{{- $name := include "hub-responsibility.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Never a namespace's default account: whatever runs there would have the operator's rights. */}}
{{- define "hub-responsibility.serviceAccountName" -}}
{{- if not (or .Values.serviceAccount.create .Values.serviceAccount.name) -}}
{{- fail "serviceAccount.create=false needs serviceAccount.name: the account to give the operator's rights to" -}}
{{- end -}}
{{- .Values.serviceAccount.name | default (include "hub-responsibility.fullname" .) -}}
{{- end -}}

{{/*
Not empty where Helm looks at a cluster: every one has this namespace. Without one (helm template,
Argo CD) nothing can be found, which says nothing about what is there.
*/}}
{{- define "hub-responsibility.live" -}}
{{- with lookup "v1" "Namespace" "" "kube-system" }}{{ .metadata.uid }}{{ end -}}
{{- end -}}

{{- define "hub-responsibility.selectorLabels" -}}
app.kubernetes.io/name: {{ include "hub-responsibility.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "hub-responsibility.labels" -}}
{{ include "hub-responsibility.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
What is switched on: as the mode says, unless a value says otherwise. The same table stands in
operator/responsibility/cluster/modes.py, and a test holds one against the other.
*/}}
{{- define "hub-responsibility.switches" -}}
{{- $modes := dict
  "audit"  (dict "policies" false "enforcement" false "grants" false "revocation" false "limit" "deny")
  "warn"   (dict "policies" true  "enforcement" true  "grants" false "revocation" false "limit" "warn")
  "deny"   (dict "policies" true  "enforcement" true  "grants" false "revocation" false "limit" "deny")
  "grant"  (dict "policies" true  "enforcement" false "grants" true  "revocation" false "limit" "deny")
  "revoke" (dict "policies" true  "enforcement" false "grants" true  "revocation" true  "limit" "deny") }}
{{- $on := get $modes .Values.mode }}
{{- if not $on }}
{{- fail (printf "mode is %q: it may be audit, warn, deny, grant or revoke" .Values.mode) }}
{{- end }}
{{- range $name := list "policies" "enforcement" "grants" "revocation" }}
{{- $said := (get $.Values $name).enabled }}
{{- if ne (toString $said) "" }}
{{- $_ := set $on $name $said }}
{{- end }}
{{- end }}
{{- with .Values.enforcement.limit }}
{{- $_ := set $on "limit" . }}
{{- end }}
{{- toYaml $on }}
{{- end -}}

{{/*
Namespaces on which keys of ours are left, as JSON. Where nothing is to be enforced any more, the
operator takes them away: policies would go on heeding them. Empty where no cluster is looked at.
*/}}
{{- define "hub-responsibility.namespacesLeft" -}}
{{- $left := list }}
{{- range (lookup "v1" "Namespace" "" "").items }}
{{- $keys := concat (keys (default dict .metadata.labels)) (keys (default dict .metadata.annotations)) }}
{{- if regexMatch "(^| )([a-z]+[.])?responsibility[.]2i2c[.]org/" (join " " $keys) }}
{{- $left = append $left .metadata.name }}
{{- end }}
{{- end }}
{{- toJson (sortAlpha $left) }}
{{- end -}}

{{/* Labels of the page in a hub: other ones than the operator's, whose selectors would find them. */}}
{{- define "hub-responsibility.hubPageSelector" -}}
app.kubernetes.io/name: {{ include "hub-responsibility.name" . }}-hub-page
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "hub-responsibility.hubPageLabels" -}}
{{ include "hub-responsibility.hubPageSelector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "hub-responsibility.hubPageImage" -}}
{{- if .Values.hubPage.image.digest -}}
{{- printf "%s@%s" .Values.hubPage.image.repository .Values.hubPage.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.hubPage.image.repository (.Values.hubPage.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "hub-responsibility.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* The shipped roles of items, for every prefix that hubs' names have, as one stream of documents. */}}
{{- define "hub-responsibility.itemRoles" -}}
{{- if .Values.grants.install -}}
{{- .Files.Get "files/roles/hub.yaml" }}
{{- range .Values.grants.prefixes }}
---
{{ $.Files.Get "files/roles/prefixed.yaml" | replace "$(prefix)" . }}
{{- end }}
{{- if .Values.grants.cluster }}
---
{{ .Files.Get "files/roles/cluster.yaml" }}
{{- end }}
{{- end -}}
{{- end -}}
