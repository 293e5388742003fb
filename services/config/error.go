package config

import (
	"errors"
	"fmt"
	"strings"
)

// Error is one thing wrong with a configuration, in one line:
//
//	hefu.yaml:12:5: pipelines[0].hub.topic: is missing; allowed: the name of a Kafka topic
//
// Line and column begin at 1 and count characters. File is empty for a Config that was made in Go.
type Error struct {
	File         string
	Line, Column int
	Key          string // as in pipelines[0].hub.topic; empty for the whole file
	Problem      string
	Allowed      string
}

// Error is the line, without a line break whatever the file holds.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		fmt.Fprintf(&b, "%s:%d:%d: ", e.File, e.Line, e.Column)
	}
	if e.Key != "" {
		fmt.Fprintf(&b, "%s: ", e.Key)
	}
	fmt.Fprintf(&b, "%s; allowed: %s", e.Problem, e.Allowed)
	return strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(b.String())
}

// position is a place in the file.
type position struct{ line, column int }

// locate gives an error of Validate its place: that of the key's value, or, for a key that is not there, that of the
// nearest thing around it that is.
func (d *decoder) locate(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	at := position{1, 1}
	for key := e.Key; key != ""; {
		if found, ok := d.at[key]; ok {
			at = found
			break
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return &Error{d.file, at.line, at.column, e.Key, e.Problem, e.Allowed}
}
