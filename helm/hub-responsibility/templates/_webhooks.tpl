{{/* The webhooks share a server, and so a certificate: the Secret with it; empty where none is on. */}}
{{- define "hub-responsibility.webhookSecret" -}}
{{- $own := .Values.valuesWebhook.secretName }}
{{- $shared := .Values.breakGlassWebhook.secretName }}
{{- if .Values.breakGlassWebhook.enabled }}
{{- if not $shared }}
{{- fail "breakGlassWebhook.enabled needs breakGlassWebhook.secretName: a Secret with tls.crt and tls.key" }}
{{- end }}
{{- if and .Values.valuesWebhook.enabled $own (ne $own $shared) }}
{{- fail "valuesWebhook.secretName and breakGlassWebhook.secretName differ: both webhooks have one server and one certificate; leave out the former" }}
{{- end }}
{{- $shared }}
{{- else if .Values.valuesWebhook.enabled }}
{{- if not (or $own $shared) }}
{{- fail "valuesWebhook.enabled needs valuesWebhook.secretName: a Secret with tls.crt and tls.key" }}
{{- end }}
{{- $own | default $shared }}
{{- end }}
{{- end }}

{{- define "hub-responsibility.webhookService" -}}
{{ printf "%s-webhook" (include "hub-responsibility.fullname" .) }}
{{- end }}
