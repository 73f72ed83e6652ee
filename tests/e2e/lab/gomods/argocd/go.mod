module hub-responsibility.test/lab/argocd

go 1.26.0

// Its definitions as manifests, for what docs/gitops.md writes; nothing of it is built.
require github.com/argoproj/argo-cd/v3 v3.2.0
