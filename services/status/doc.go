// Package status is the HTTP face of a running process, on loopback: liveness,
// readiness, metrics, the status of every leg and source, and the operator's
// decisions about incidents.
package status
