// Package stack is everything around Hefu for a machine with nothing but Go: the
// cities' Kafka cluster, the hub's, and Doris, each a stand-in in a process of its
// own, with topics, table and a hefu.yaml that fits them. All of it lies in one
// directory and comes back there at the same addresses.
//
// A stand-in ends when its standard input does. That is how it is stopped, and why
// none is left behind when the process that started it is killed.
package stack
