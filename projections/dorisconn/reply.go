package dorisconn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// fields reads some fields of a JSON object by their exact names. A load reply has
// Status and a refusal has status, and encoding/json would take one for the other. What
// is read may stand there once only; other names may stand there twice, as Comment does
// in a back end's long form (doris-wire.md §1.8). After an error nothing is to be
// believed.
func fields(raw []byte, to map[string]any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return errors.New("no JSON object")
	}
	seen := map[string]bool{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		at, wanted := to[name.(string)]
		if !wanted {
			continue
		}
		if seen[name.(string)] {
			return fmt.Errorf("%s stands there twice", name)
		}
		seen[name.(string)] = true
		if err := json.Unmarshal(value, at); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something after the JSON object")
	}
	return nil
}
