package hub

import (
	"bytes"

	"github.com/hefu-io/hefu/journal/batch"
)

// Passed is what a hub record takes over from the city's record beside the value.
type Passed struct {
	Key     []byte // nil: none, which empty is not
	Headers []Header
}

// Header is one of a record's headers, in their order; names may repeat, Value may be nil.
type Header struct {
	Name  string
	Value []byte
}

// size bounds what it adds to a record: its bytes, and for each length up to five more.
func (p *Passed) size() int {
	n := len(p.Key)
	for i := range p.Headers {
		n += len(p.Headers[i].Name) + len(p.Headers[i].Value) + 10
	}
	return n
}

// passed copies what the hub's format asks for: the record is valid only for a moment.
func (p *packer) passed(rec *batch.Record) (out Passed) {
	if p.layout.format.PassKey {
		out.Key = bytes.Clone(rec.Key)
	}
	if p.layout.format.PassHeaders {
		for name, value := range rec.Headers() {
			out.Headers = append(out.Headers, Header{string(name), bytes.Clone(value)})
		}
	}
	return out
}
