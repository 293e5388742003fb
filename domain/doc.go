// Package domain holds the words of Hefu and their arithmetic: cities, sources
// and generations, coordinates and lineage, spans and gaps, the sealed set of
// journal events, the settle tables, routing and the books. What bytes a row has in the hub
// is in its package flink.
//
// It is pure: no clock, socket, file or log is reached from here. Whoever needs
// one decides with this package and acts elsewhere.
package domain
