{{/* The webhooks share a server, and so a certificate: the Secret with it; empty where none is on. */}}
{{- define "hub-responsibility.webhookSecret" -}}
{{- $own := .Values.valuesWebhook.secretName }}
{{- $shared := .Values.breakGlassWebhook.secretName }}
{{- $on := or .Values.breakGlassWebhook.enabled .Values.valuesWebhook.enabled }}
{{- if and $on .Values.certManager.enabled }}
{{- if or $own $shared .Values.valuesWebhook.caBundle .Values.breakGlassWebhook.caBundle }}
{{- fail "certManager.enabled makes the certificate of the webhooks: leave out their secretName and caBundle" }}
{{- end }}
{{- include "hub-responsibility.webhookService" . }}-tls
{{- else if .Values.breakGlassWebhook.enabled }}
{{- if not $shared }}
{{- fail "breakGlassWebhook.enabled needs breakGlassWebhook.secretName: a Secret with tls.crt and tls.key (or certManager.enabled)" }}
{{- end }}
{{- if and .Values.valuesWebhook.enabled $own (ne $own $shared) }}
{{- fail "valuesWebhook.secretName and breakGlassWebhook.secretName differ: both webhooks have one server and one certificate; leave out the former" }}
{{- end }}
{{- $shared }}
{{- else if .Values.valuesWebhook.enabled }}
{{- if not (or $own $shared) }}
{{- fail "valuesWebhook.enabled needs valuesWebhook.secretName: a Secret with tls.crt and tls.key (or certManager.enabled)" }}
{{- end }}
{{- $own | default $shared }}
{{- end }}
{{- end }}

{{- define "hub-responsibility.webhookService" -}}
{{ printf "%s-webhook" (include "hub-responsibility.fullname" .) }}
{{- end }}

{{/* The annotations of a webhook's configuration: its own, and where cert-manager finds the authority. */}}
{{- define "hub-responsibility.webhookAnnotations" -}}
{{- $annotations := dict }}
{{- if .root.Values.certManager.enabled }}
{{- $_ := set $annotations "cert-manager.io/inject-ca-from" (printf "%s/%s" .root.Release.Namespace (include "hub-responsibility.webhookService" .root)) }}
{{- end }}
{{- toYaml (merge $annotations (default dict .own)) }}
{{- end }}
