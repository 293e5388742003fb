package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// Kept is a signed head as it is kept outside of the journal, in a file and in the hub's
// progress topic: with the key that it says it is signed with.
type Kept struct {
	Head
	Key string // verifier key
}

// keptForm has the notes whole, so that other tools can verify them.
type keptForm struct {
	Version int        `json:"v"`
	Heads   []noteForm `json:"checkpoints"`
}

type noteForm struct {
	Key  string `json:"key"`
	Note string `json:"note"`
}

const keptVersion = 1

// EncodeKept writes heads as they are kept.
func EncodeKept(heads []Kept) ([]byte, error) {
	f := keptForm{Version: keptVersion, Heads: []noteForm{}}
	for _, h := range heads {
		f.Heads = append(f.Heads, noteForm{h.Key, h.Note})
	}
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode checkpoints: %w", err)
	}
	return append(b, '\n'), nil
}

// DecodeKept reads what EncodeKept wrote. Each note is verified with the key beside it: it
// is as it was signed, by whoever holds that key. Whose key it is, the caller judges.
func DecodeKept(b []byte) ([]Kept, error) {
	var f keptForm
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("decode checkpoints: %w", err)
	}
	if f.Version != keptVersion {
		return nil, fmt.Errorf("decode checkpoints: form %d is unknown to this release, which reads %d: use the release that wrote it", f.Version, keptVersion)
	}
	var heads []Kept
	for _, n := range f.Heads {
		v, err := note.NewVerifier(n.Key)
		if err != nil {
			return nil, fmt.Errorf("decode checkpoints: key %q: %w", n.Key, err)
		}
		h, err := Parse(n.Note, v)
		if err != nil {
			return nil, err
		}
		heads = append(heads, Kept{h, n.Key})
	}
	// The notes vouch for themselves only: with another name of a field they were none.
	if again, err := EncodeKept(heads); err != nil || !bytes.Equal(again, b) {
		return nil, errors.New("decode checkpoints: they are not written as Hefu writes them")
	}
	return heads, nil
}
