package main

import (
	"fmt"
	"io"

	"github.com/hefu-io/hefu/services/report"
)

// proved is a report with its signed file.
type proved struct {
	Report *report.Report
	file   []byte
	name   string // under which it is kept; empty: it is not
}

// print shows a report as a person reads it, and where its file is.
func (p *proved) print(w io.Writer) {
	report.Print(w, p.Report)
	if p.name != "" {
		fmt.Fprintf(w, "kept as %s: hefu report show %[1]s\n", p.name)
	}
}
