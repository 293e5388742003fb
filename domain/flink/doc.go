// Package flink is the rows' exact bytes: what Flink's formats and casts, and the Java below
// them, make of a city's record in the hub's JSON, and what is read of it again. It is pure,
// and part of the domain: which bytes a row has is a rule, not an act.
//
// Where Hefu differs on purpose, docs/flink-differences.md says so.
package flink
