package doris

import (
	"errors"
	"strings"
	"unicode/utf8"
)

var (
	errManyObjects = errors.New("[DATA_QUALITY_ERROR]Multiple JSON objects in a single line")
	errMalformed   = &rowError{text: "Parse json data failed: malformed JSON"}
)

// parseObject turns one JSON object into p.row, whose texts point into obj.
func (p *plan) parseObject(obj []byte) error {
	if !utf8.Valid(obj) {
		return &rowError{text: "Parse json data failed: invalid UTF-8"}
	}
	p.scan.reset(obj)
	clear(p.seen)
	if err := p.object(); err != nil {
		return err
	}
	if !p.scan.end() {
		if p.scan.space() == '{' {
			return errManyObjects
		}
		return &rowError{text: "Parse json data failed: text after the object"}
	}
	for _, seen := range p.seen {
		if seen {
			return p.fill()
		}
	}
	return &rowError{text: "There is no column matching jsonpaths in the json file, columns:[" + p.names() + "], please check columns and jsonpaths"}
}

// object reads keys and values; of a key given twice the first counts.
func (p *plan) object() error {
	if p.scan.space() == '[' {
		return &rowError{text: "JSON data is array-object, `strip_outer_array` must be TRUE."}
	}
	if !p.scan.take('{') {
		return errMalformed
	}
	if p.scan.take('}') {
		return nil
	}
	for n := 0; ; n++ {
		if p.scan.space() != '"' {
			return errMalformed
		}
		key, err := p.scan.text()
		if err != nil || !p.scan.take(':') {
			return errMalformed
		}
		v, err := p.scan.value()
		if err != nil {
			return errMalformed
		}
		if i := p.keyed(n, key); i >= 0 && !p.seen[i] {
			p.values[i], p.seen[i] = v, true
		}
		if p.scan.take('}') {
			return nil
		}
		if !p.scan.take(',') {
			return errMalformed
		}
	}
}

// keyed finds a key's column of the file, by its place in the row before when that fits.
func (p *plan) keyed(n int, key []byte) int {
	if n < len(p.order) && string(key) == p.order[n] {
		return p.index[n]
	}
	i, ok := p.keys[string(key)]
	if !ok {
		i = -1
	}
	if n == len(p.order) && n < 2*len(p.row)+16 {
		p.order, p.index = append(p.order, string(key)), append(p.index, i)
	}
	return i
}

func (p *plan) names() string {
	names := make([]string, len(p.file))
	for i, f := range p.file {
		names[i] = f.name
	}
	return strings.Join(names, ", ")
}
