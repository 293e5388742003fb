package flink

import (
	"fmt"
	"unicode/utf8"
)

// jsonText walks through JSON as Jackson 2.18 does for Flink: control characters may stand
// in a string as they are, UTF-8 is decoded without asking whether it is the shortest form,
// nothing deeper than 1,000 levels, no number longer than 1,000 bytes.
type jsonText struct {
	b       []byte
	at      int
	depth   int
	scratch []byte // the last name, or the last string that was skipped
}

// reset begins another text.
func (t *jsonText) reset(b []byte) { t.b, t.at, t.depth = b, 0, 0 }

const (
	maxDepth  = 1000 // StreamReadConstraints.DEFAULT_MAX_DEPTH
	maxNumber = 1000 // StreamReadConstraints.DEFAULT_MAX_NUM_LEN
)

// malformed says what stands in the way at the present place.
func (t *jsonText) malformed(what string) error {
	return &RecordError{What: fmt.Sprintf("not JSON at byte %d: %s", t.at, what)}
}

// peek is the next byte after white space, 0 at the end.
func (t *jsonText) peek() byte {
	for t.at < len(t.b) {
		switch c := t.b[t.at]; c {
		case ' ', '\t', '\r', '\n':
			t.at++
		default:
			return c
		}
	}
	return 0
}

// take moves over a byte that has to stand here.
func (t *jsonText) take(c byte, missing string) error {
	if t.peek() != c || t.at == len(t.b) {
		return t.malformed(missing)
	}
	t.at++
	return nil
}

// enter and leave count the levels.
func (t *jsonText) enter() error {
	t.at++
	if t.depth++; t.depth > maxDepth {
		return t.malformed("more than 1000 levels")
	}
	return nil
}

func (t *jsonText) leave() {
	t.at++
	t.depth--
}

// object calls do for each member of the object that begins here, which has to move over
// the value. The name is valid until then.
func (t *jsonText) object(do func(name []byte) error) error {
	if err := t.enter(); err != nil {
		return err
	}
	if t.peek() == '}' {
		t.leave()
		return nil
	}
	for {
		if t.peek() != '"' {
			return t.malformed("the name of a member is missing")
		}
		var err error
		if t.scratch, err = t.text(t.scratch[:0]); err != nil {
			return err
		}
		if err := t.take(':', "a colon is missing"); err != nil {
			return err
		}
		if err := do(t.scratch); err != nil {
			return err
		}
		switch t.peek() {
		case ',':
			t.at++
		case '}':
			t.leave()
			return nil
		default:
			return t.malformed("a comma or } is missing")
		}
	}
}

// array calls do for each element of the array that begins here, which has to move over it.
func (t *jsonText) array(do func() error) error {
	if err := t.enter(); err != nil {
		return err
	}
	if t.peek() == ']' {
		t.leave()
		return nil
	}
	for {
		if err := do(); err != nil {
			return err
		}
		switch t.peek() {
		case ',':
			t.at++
		case ']':
			t.leave()
			return nil
		default:
			return t.malformed("a comma or ] is missing")
		}
	}
}

// skip moves over a value.
func (t *jsonText) skip() error {
	switch t.peek() {
	case '{':
		return t.object(func([]byte) error { return t.skip() })
	case '[':
		return t.array(t.skip)
	case '"':
		var err error
		t.scratch, err = t.text(t.scratch[:0])
		return err
	default:
		_, err := t.scalar()
		return err
	}
}

// scalar moves over a number, true, false or null, and returns its text.
func (t *jsonText) scalar() ([]byte, error) {
	c := t.peek()
	start := t.at
	switch c {
	case 't':
		return t.word("true")
	case 'f':
		return t.word("false")
	case 'n':
		return t.word("null")
	}
	if c == '-' {
		t.at++
	}
	switch whole := t.digits(); {
	case whole == 0:
		return nil, t.malformed("a value is missing")
	case whole > 1 && t.b[t.at-whole] == '0':
		return nil, t.malformed("a number begins with 0")
	}
	length := t.at - start
	if c == '-' {
		length--
	}
	if t.at < len(t.b) && t.b[t.at] == '.' {
		t.at++
		fraction := t.digits()
		if fraction == 0 {
			return nil, t.malformed("a digit is missing")
		}
		length += fraction
	}
	if t.at < len(t.b) && t.b[t.at]|0x20 == 'e' {
		t.at++
		if t.at < len(t.b) && (t.b[t.at] == '+' || t.b[t.at] == '-') {
			t.at++
		}
		exponent := t.digits()
		if exponent == 0 {
			return nil, t.malformed("a digit is missing")
		}
		length += exponent
	}
	if length > maxNumber {
		return nil, t.malformed("a number of more than 1000 digits")
	}
	return t.b[start:t.at], nil
}

// digits moves over digits and counts them.
func (t *jsonText) digits() int {
	start := t.at
	for t.at < len(t.b) && t.b[t.at] >= '0' && t.b[t.at] <= '9' {
		t.at++
	}
	return t.at - start
}

// word moves over true, false or null, which nothing may follow that could belong to it.
func (t *jsonText) word(w string) ([]byte, error) {
	end := t.at + len(w)
	if end > len(t.b) || string(t.b[t.at:end]) != w {
		return nil, t.malformed("a value is missing")
	}
	if end < len(t.b) {
		c := t.b[end]
		if c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '$' || c >= utf8.RuneSelf {
			return nil, t.malformed("a value is missing")
		}
	}
	t.at = end
	return t.b[end-len(w) : end], nil
}
