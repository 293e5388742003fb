package doris

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// csvForm is how the fields of a CSV body are told apart. There is no quoting: enclose and escape are refused.
type csvForm struct {
	separator  []byte
	skip       int  // lines at the top
	trimQuotes bool // "a" is a
	emptyNull  bool // an empty field is NULL; without it only \N is
}

// parseLine turns one CSV line into p.row, whose texts point into line. Fields are the file's columns, in their order.
func (p *plan) parseLine(line []byte) error {
	if !utf8.Valid(line) {
		return &rowError{text: "Invalid file encoding: all CSV files must be UTF-8 encoded"}
	}
	n := 0
	for rest := line; ; n++ {
		field, more, found := bytes.Cut(rest, p.csv.separator)
		if n < len(p.file) {
			p.values[n], p.seen[n] = p.csv.value(field), true
		}
		if !found {
			n++
			break
		}
		rest = more
	}
	if n != len(p.file) {
		show := strings.NewReplacer("\t", `\t`, "\n", `\n`)
		return &rowError{text: fmt.Sprintf("Column count mismatch: expected %d, but found %d (sep:%s delim:%s)",
			len(p.file), n, show.Replace(string(p.csv.separator)), show.Replace(string(p.delimiter)))}
	}
	return p.fill()
}

func (f *csvForm) value(field []byte) token {
	if n := len(field); f.trimQuotes && n > 1 && field[0] == '"' && field[n-1] == '"' {
		return token{tokString, field[1 : n-1]} // "\N" in quotes is a text
	}
	if f.emptyNull && len(field) == 0 || string(field) == `\N` {
		return token{kind: tokNull}
	}
	return token{tokString, field}
}
