package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// encode gives the one form of a report: arranged, indented, a newline nowhere at the end.
func encode(r *Report) ([]byte, error) {
	arrange(r)
	return indented(r, " ")
}

// indented is JSON that people can read too: "<" stays "<" in the text of a query.
func indented(v any, prefix string) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, " ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode the report: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// A report's file is JSON with two properties. The report stands in it as the very bytes that
// were signed; the signature, a note over signedText, is the last line but one.
const (
	fileBegins = "{\n \"report\": "
	fileGoesOn = ",\n \"signature\": "
	fileEnds   = "\n}\n"
)

// assemble gives the file of a report and its signature.
func assemble(report []byte, signature string) ([]byte, error) {
	text, err := indented(signature, "")
	if err != nil {
		return nil, err
	}
	return slices.Concat([]byte(fileBegins), report, []byte(fileGoesOn), text, []byte(fileEnds)), nil
}

// split takes a file apart and demands that it is the one form of what it says: neither a
// space nor a key may differ.
func split(file []byte) (report []byte, signature string, err error) {
	inner, begins := bytes.CutPrefix(file, []byte(fileBegins))
	inner, ends := bytes.CutSuffix(inner, []byte(fileEnds))
	at := bytes.LastIndex(inner, []byte(fileGoesOn))
	if !begins || !ends || at < 0 {
		return nil, "", errors.New("it is not a report and its signature, or is not all of it")
	}
	report = inner[:at]
	if err := json.Unmarshal(inner[at+len(fileGoesOn):], &signature); err != nil {
		return nil, "", fmt.Errorf("the signature is no text: %w", err)
	}
	again, err := assemble(report, signature)
	if err != nil {
		return nil, "", err
	}
	if !bytes.Equal(again, file) {
		return nil, "", errors.New("the bytes around the report and its signature are not those that a report's file has")
	}
	return report, signature, nil
}

// decode reads a report and demands its one form.
func decode(text []byte) (*Report, error) {
	r := &Report{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("not a report of version %d: %w", Version, err)
	}
	again, err := encode(r)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, text) {
		return nil, errors.New("the same contents would be written as other bytes")
	}
	return r, nil
}
