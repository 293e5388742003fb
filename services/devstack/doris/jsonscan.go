package doris

import (
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// tokenKind is what a JSON value is.
type tokenKind uint8

const (
	tokNull tokenKind = iota
	tokBool
	tokNumber
	tokString
	tokRaw // object or array, as its text
)

// token is a JSON value; text is only good until the next row.
type token struct {
	kind tokenKind
	text []byte
}

var errJSON = errors.New("malformed JSON")

// jsonScanner walks through one piece of JSON without building it: a load reads millions of small objects, and
// encoding/json would make garbage of every one of them.
type jsonScanner struct {
	in      []byte
	at      int
	scratch []byte // unescaped strings of this row
}

func (s *jsonScanner) reset(in []byte) { s.in, s.at, s.scratch = in, 0, s.scratch[:0] }

func (s *jsonScanner) space() byte {
	for s.at < len(s.in) {
		switch c := s.in[s.at]; c {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// take eats one expected byte.
func (s *jsonScanner) take(c byte) bool {
	if s.space() != c || c == 0 {
		return false
	}
	s.at++
	return true
}

// end says whether nothing but space is left.
func (s *jsonScanner) end() bool { return s.space() == 0 && s.at == len(s.in) }

func (s *jsonScanner) value() (token, error) {
	switch c := s.space(); {
	case c == '"':
		text, err := s.text()
		return token{tokString, text}, err
	case c == '{' || c == '[':
		from := s.at
		err := s.skip(0)
		return token{tokRaw, s.in[from:s.at]}, err
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	default:
		return s.word()
	}
}

func (s *jsonScanner) word() (token, error) {
	for _, w := range [...]struct {
		word string
		tok  token
	}{{"null", token{tokNull, nil}}, {"true", token{tokBool, []byte{'1'}}}, {"false", token{tokBool, []byte{'0'}}}} {
		if len(s.in)-s.at >= len(w.word) && string(s.in[s.at:s.at+len(w.word)]) == w.word {
			s.at += len(w.word)
			return w.tok, nil
		}
	}
	return token{}, errJSON
}

func (s *jsonScanner) number() (token, error) {
	from := s.at
	digits := func() bool {
		n := s.at
		for s.at < len(s.in) && s.in[s.at] >= '0' && s.in[s.at] <= '9' {
			s.at++
		}
		return s.at > n
	}
	if s.in[s.at] == '-' {
		s.at++
	}
	first := s.at
	ok := digits() && (s.in[first] != '0' || s.at == first+1)
	if ok && s.at < len(s.in) && s.in[s.at] == '.' {
		s.at++
		ok = digits()
	}
	if ok && s.at < len(s.in) && s.in[s.at]|0x20 == 'e' {
		s.at++
		if s.at < len(s.in) && (s.in[s.at] == '+' || s.in[s.at] == '-') {
			s.at++
		}
		ok = digits()
	}
	if !ok {
		return token{}, errJSON
	}
	return token{tokNumber, s.in[from:s.at]}, nil
}

// text reads a string; without escapes it is a view into the input.
func (s *jsonScanner) text() ([]byte, error) {
	s.at++
	from := s.at
	for i := from; i < len(s.in); i++ {
		switch c := s.in[i]; {
		case c == '"':
			s.at = i + 1
			return s.in[from:i], nil
		case c == '\\':
			s.at = from
			return s.escaped()
		case c < ' ':
			return nil, errJSON
		}
	}
	return nil, errJSON
}

func (s *jsonScanner) escaped() ([]byte, error) {
	from := len(s.scratch)
	for s.at < len(s.in) {
		c := s.in[s.at]
		s.at++
		switch {
		case c == '"':
			return s.scratch[from:len(s.scratch):len(s.scratch)], nil
		case c < ' ':
			return nil, errJSON
		case c != '\\':
			s.scratch = append(s.scratch, c)
		default:
			if err := s.escape(); err != nil {
				return nil, err
			}
		}
	}
	return nil, errJSON
}

func (s *jsonScanner) escape() error {
	if s.at >= len(s.in) {
		return errJSON
	}
	c := s.in[s.at]
	s.at++
	switch c {
	case '"', '\\', '/':
		s.scratch = append(s.scratch, c)
	case 'b':
		s.scratch = append(s.scratch, '\b')
	case 'f':
		s.scratch = append(s.scratch, '\f')
	case 'n':
		s.scratch = append(s.scratch, '\n')
	case 'r':
		s.scratch = append(s.scratch, '\r')
	case 't':
		s.scratch = append(s.scratch, '\t')
	case 'u':
		return s.unicode()
	default:
		return errJSON
	}
	return nil
}

func (s *jsonScanner) unicode() error {
	r, ok := s.hex4()
	if !ok {
		return errJSON
	}
	if utf16.IsSurrogate(r) {
		if len(s.in)-s.at < 6 || s.in[s.at] != '\\' || s.in[s.at+1] != 'u' {
			return errJSON
		}
		s.at += 2
		low, ok := s.hex4()
		if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
			return errJSON
		}
	}
	s.scratch = utf8.AppendRune(s.scratch, r)
	return nil
}

func (s *jsonScanner) hex4() (rune, bool) {
	if len(s.in)-s.at < 4 {
		return 0, false
	}
	v, err := strconv.ParseUint(string(s.in[s.at:s.at+4]), 16, 32)
	s.at += 4
	return rune(v), err == nil
}

const maxDepth = 64

// skip passes over an object or array.
func (s *jsonScanner) skip(depth int) error {
	if depth > maxDepth {
		return errJSON
	}
	open := s.in[s.at]
	s.at++
	if s.take(open + 2) { // '{'+2 == '}', '['+2 == ']'
		return nil
	}
	for {
		if open == '{' {
			if s.space() != '"' {
				return errJSON
			}
			if _, err := s.text(); err != nil {
				return err
			}
			if !s.take(':') {
				return errJSON
			}
		}
		var err error
		if c := s.space(); c == '{' || c == '[' {
			err = s.skip(depth + 1)
		} else {
			_, err = s.value()
		}
		switch {
		case err != nil:
			return err
		case s.take(open + 2):
			return nil
		case !s.take(','):
			return errJSON
		}
	}
}
