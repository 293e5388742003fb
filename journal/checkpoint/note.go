package checkpoint

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/hefu-io/hefu/domain"
)

// origin is what the name of a journal's logs begins with (C2SP tlog-checkpoint).
const origin = "hefu.io/journal/"

// eventLine is the extension line that names the event at the end of the tree: who has the
// stream compares one event with it, and needs no tree.
const eventLine = "event "

// Head is a signed checkpoint: the stream up to Ref has the Merkle root Root.
type Head struct {
	Journal domain.JournalID
	Ref     domain.Ref // the last event in the tree; Ref.Seq is the tree's size
	Root    domain.Hash
	Note    string // the signed note that says so
}

// TreeHead is the head as an event carries it.
func (h Head) TreeHead() domain.TreeHead {
	return domain.TreeHead{Ref: h.Ref, Root: h.Root, Note: h.Note}
}

// Sign makes the note that says that the stream of ref has the root up to ref. Whoever signs
// has compared it with what was signed before.
func Sign(s note.Signer, id domain.JournalID, ref domain.Ref, root domain.Hash) (string, error) {
	h := Head{Journal: id, Ref: ref, Root: root}
	b, err := note.Sign(&note.Note{Text: h.text()}, s)
	if err != nil {
		return "", fmt.Errorf("sign the checkpoint of %s: %w", ref, err)
	}
	return string(b), nil
}

func (h Head) text() string {
	return fmt.Sprintf("%s%s/%s\n%d\n%s\n%s%s\n", origin, h.Journal, h.Ref.Stream, h.Ref.Seq,
		base64.StdEncoding.EncodeToString(h.Root[:]), eventLine, h.Ref.Hash)
}

// Parse reads a signed checkpoint. It is one only if one of the verifiers vouches for it;
// without any it never is.
func Parse(text string, verifiers ...note.Verifier) (Head, error) {
	n, err := note.Open([]byte(text), note.VerifierList(verifiers...))
	if err != nil {
		return Head{}, fmt.Errorf("checkpoint: %w", err)
	}
	h, err := parseText(n.Text)
	for _, s := range n.Sigs {
		// A signature has one spelling, so that not even its unused bits can be another.
		if _, serr := base64.StdEncoding.Strict().DecodeString(s.Base64); serr != nil {
			err = errors.Join(err, serr)
		}
	}
	if err != nil {
		return Head{}, fmt.Errorf("checkpoint: %w", err)
	}
	h.Note = text
	return h, nil
}

// parseText reads the signed part, in the one way in which text writes it.
func parseText(text string) (h Head, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 5 {
		return h, errors.New("it has not the four lines: origin, size, root, event")
	}
	id, stream, ok := strings.Cut(strings.TrimPrefix(lines[0], origin), "/")
	if !ok {
		return h, fmt.Errorf("origin %q", lines[0])
	}
	size, errSize := strconv.ParseInt(lines[1], 10, 64)
	root, errRoot := base64.StdEncoding.DecodeString(lines[2])
	copy(h.Root[:], root)
	h.Ref.Seq = domain.Seq(size)
	var errs [3]error
	h.Journal, errs[0] = domain.ParseJournalID(id)
	h.Ref.Stream, errs[1] = domain.ParseStream(stream)
	h.Ref.Hash, errs[2] = domain.ParseHash(strings.TrimPrefix(lines[3], eventLine))
	if err := errors.Join(errSize, errRoot, errs[0], errs[1], errs[2]); err != nil {
		return h, err
	}
	if size < 1 || h.text() != text {
		return h, errors.New("it is not written as Hefu writes it")
	}
	return h, nil
}
