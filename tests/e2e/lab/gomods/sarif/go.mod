module hub-responsibility.test/lab/sarif

go 1.26.0

// Nothing is built of it: it carries the schema of SARIF 2.1.0 that its committee publishes.
require github.com/owenrumney/go-sarif/v3 v3.3.1
