// Package doris is a stand-in for the front ends and back ends of an Apache Doris cluster, all in one process: Stream
// Load with two-phase commit over HTTP, label and transaction look-ups, and a MySQL port that answers a small part of
// SQL. Its clock can be moved, faults armed, and its nodes stopped (cluster.go, faultnames.go, control.go). It is not Doris.
// It exists so that the Doris projection, the reconciler and an operator with curl have something to talk to that
// keeps its promises (and forgets what Doris forgets) where no Doris runs. Texts, states, retention and the order of
// checks follow what was observed on a real front end; whatever it does not know it refuses by name rather than
// answering wrongly.
//
// A request travels: FE (fe.go) -> 307 -> BE (be.go) -> load (load.go) -> staged file (stage.go) -> Engine
// (engine.go) -> publisher (publisher.go) -> row store (rowstore.go) -> SELECT (translate.go).
package doris
