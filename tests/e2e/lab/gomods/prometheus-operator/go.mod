module hub-responsibility.test/lab/prometheus-operator

go 1.26.0

// Nothing is built of it: it carries the definitions of its kinds.
require github.com/prometheus-operator/prometheus-operator v0.85.0
