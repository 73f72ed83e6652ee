{{/* The name of everything in the release: the release's own, where that says enough. */}}
{{- define "hub-responsibility.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "hub-responsibility.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "hub-responsibility.fullname" .) -}}
{{- end -}}

{{- define "hub-responsibility.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "hub-responsibility.labels" -}}
{{ include "hub-responsibility.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
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
