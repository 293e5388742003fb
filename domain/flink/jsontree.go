package flink

import (
	"bytes"
	"strconv"
)

// jsonTree writes a JSON value as Flink does that finds an object or an array where a
// STRING is declared: read into Jackson's tree and written from it again, without white
// space, each name of an object once.
type jsonTree struct {
	// decimals says that the numbers become DECIMALs on the way, because the source
	// declares one somewhere; else they are DOUBLEs.
	decimals bool
	scratch  []byte
}

// append moves over the value that begins at the present place and appends its text.
func (j *jsonTree) append(dst []byte, t *jsonText) ([]byte, error) {
	switch t.peek() {
	case '{':
		return j.object(dst, t)
	case '[':
		dst = append(dst, '[')
		first := true
		err := t.array(func() (err error) {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst, err = j.append(dst, t)
			return err
		})
		return append(dst, ']'), err
	case '"':
		var err error
		if j.scratch, err = t.text(j.scratch[:0]); err != nil {
			return dst, err
		}
		return appendNodeText(dst, j.scratch), nil
	default:
		text, err := t.scalar()
		if err != nil {
			return dst, err
		}
		return j.number(dst, t, text)
	}
}

// object appends an object. Of a name that is there more often the last value counts, in
// the place of the first one.
func (j *jsonTree) object(dst []byte, t *jsonText) ([]byte, error) {
	type span struct{ start, end int }
	var members []span
	index, twice := map[string]int{}, false
	start := len(dst)
	err := t.object(func(name []byte) (err error) {
		at := span{start: len(dst) + 1}
		i, known := index[string(name)]
		if !known {
			i = len(members)
			index[string(name)] = i
			members = append(members, span{})
		}
		twice = twice || known
		dst = append(appendNodeText(append(dst, ','), name), ':')
		dst, err = j.append(dst, t)
		at.end = len(dst)
		members[i] = at
		return err
	})
	switch {
	case err != nil:
		return dst, err
	case len(members) == 0:
		return append(dst, "{}"...), nil
	case twice:
		written := bytes.Clone(dst)
		dst = dst[:start]
		for _, m := range members {
			dst = append(append(dst, ','), written[m.start:m.end]...)
		}
	}
	dst[start] = '{' // in place of the first comma
	return append(dst, '}'), nil
}

// number appends a scalar that is no string.
func (j *jsonTree) number(dst []byte, t *jsonText, text []byte) ([]byte, error) {
	switch {
	case text[0] > '9': // true, false, null
		return append(dst, text...), nil
	case bytes.ContainsAny(text, ".eE") && j.decimals:
		d, ok := parseDecimal(text, nil)
		if !ok {
			return dst, t.malformed("a number with an exponent beyond 32 bits")
		}
		return d.strip().append(dst), nil
	case bytes.ContainsAny(text, ".eE"):
		f, _ := strconv.ParseFloat(string(text), 64) // out of range is infinite, as in Java
		return appendJavaFloat(dst, f, 64), nil
	case string(text) == "-0":
		return append(dst, '0'), nil
	default:
		return append(dst, text...), nil
	}
}

// appendNodeText appends a string of a tree's text: JSON whose characters beyond ASCII are
// not escaped.
func appendNodeText(dst, text []byte) []byte {
	dst = append(dst, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ':
			dst = append(dst, c)
		case int(c) < len(shortEscapes) && shortEscapes[c] != 0:
			dst = append(dst, '\\', shortEscapes[c])
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(dst, '"')
}
