package target

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// quotedName is a name as it stands in JSON, nil where that takes escapes.
func quotedName(name string) []byte {
	if q := []byte(`"` + name + `"`); utf8.ValidString(name) {
		for i := range len(name) {
			if c := name[i]; c < ' ' || c == '"' || c == '\\' {
				return nil
			}
		}
		return q
	}
	return nil
}

// slow reads a value with encoding/json and says what is wrong with it.
func (d *decoder) slow(value []byte) string {
	const none = "it is no JSON object"
	if !json.Valid(value) {
		return none
	}
	in := json.NewDecoder(bytes.NewReader(value))
	if open, err := in.Token(); err != nil || open != json.Delim('{') {
		return none
	}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return none
		}
		var raw json.RawMessage
		if err := in.Decode(&raw); err != nil {
			return none
		}
		for at := range d.f.fields {
			if f := &d.f.fields[at]; name == f.name {
				if wrong := d.take(at, f, raw); wrong != "" {
					return wrong
				}
			}
		}
	}
	return ""
}

// take reads the value of a field.
func (d *decoder) take(at int, f *field, raw json.RawMessage) string {
	if d.seen[at] && !d.f.direct {
		return fmt.Sprintf("column %s is there twice", f.name) // Doris would take the first, Flink the last
	}
	d.seen[at] = true
	null := string(raw) == "null"
	if f.kind == anything {
		if d.filled = f.name; null {
			d.filled = ""
		}
		return ""
	}
	if null {
		d.null |= 1 << f.col
		return ""
	}
	text := []byte(raw)
	if f.kind != aNumber {
		var s *string
		if err := json.Unmarshal(raw, &s); err != nil {
			return fmt.Sprintf("column %s is of another type", f.name)
		}
		text = []byte(*s)
	}
	switch {
	case f.kind == aText:
		d.put(f.col, append(d.text, text...))
	case f.kind == aTime && !d.putTime(f, text):
		return fmt.Sprintf("column %s is no time that a DATETIME holds", f.name)
	case f.kind == aTime:
	case !isWhole(text):
		return fmt.Sprintf("column %s is of another type", f.name)
	default:
		d.put(f.col, append(d.text, text...))
	}
	return ""
}
