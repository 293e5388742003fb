package main

import (
	"github.com/twmb/franz-go/pkg/kadm"
)

// retentionOvertookUs: hefu stood still while the city threw rows away that nobody had read.
func retentionOvertookUs(r *rehearsal) {
	r.stops()
	r.sends(nanjing, 0, 100)
	cl := r.kafka(r.at(nanjing))
	defer cl.Close()
	var keep kadm.Offsets
	keep.AddOffset(nanjing+r.suffix, 0, firstRows+70, -1)
	if _, err := kadm.NewClient(cl).DeleteRecords(r.Context(), keep); err != nil {
		r.Fatal(err)
	}
	r.starts()
}
