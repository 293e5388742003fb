package report

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/checkpoint"
)

// Verified is a report that is as it was signed and whose contents add up.
type Verified struct {
	Report  *Report
	Digest  domain.Hash // SHA-256 of the file
	Key     string      // the verifier key that it was signed with
	Vouched bool        // whoever asked named the key; else it is the one that the report names

	heads map[domain.Stream][]checkpoint.Head // signed, and one history; the newest is first
}

// Refused says why a file is not a report that anybody should believe.
type Refused struct{ Problems []Problem }

// Error lists the problems.
func (e *Refused) Error() string {
	const most = 20
	var lines []string
	for i, p := range e.Problems {
		if i == most {
			lines = append(lines, fmt.Sprintf("and %d more", len(e.Problems)-most))
			break
		}
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

// VersionError says that a report, signed by a key that is known, is of another release.
type VersionError struct{ Version int }

// Error says what to do.
func (e *VersionError) Error() string {
	return fmt.Sprintf("the report is of form %d, and this release reads %d: use the release that wrote it", e.Version, Version)
}

func refuse(part Part, err error) error { return &Refused{[]Problem{{part, err.Error()}}} }

// Verify checks a report's file with nothing else: the bytes, the signature, the signed
// checkpoints and the proofs between them, and everything that Check counts. keys are verifier
// keys; without any the one that the report names is used, for which nobody vouches.
// Errors: *Refused; *VersionError.
func Verify(file []byte, keys ...string) (*Verified, error) {
	text, signature, err := split(file)
	if err != nil {
		return nil, refuse(PartForm, err)
	}
	var head struct {
		Version int                       `json:"version"`
		Scope   struct{ Pipeline string } `json:"scope"`
		Journal struct{ Key string }      `json:"journal"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, refuse(PartForm, err)
	}
	v := &Verified{Digest: sha256.Sum256(file), Vouched: len(keys) > 0}
	if !v.Vouched {
		keys = []string{head.Journal.Key}
	}
	verifiers, err := verifiersOf(keys)
	if err != nil {
		return nil, refuse(PartSignature, err)
	}
	signer, err := openSignature(signature, signedText(head.Scope.Pipeline, text), verifiers)
	if err != nil {
		return nil, refuse(PartSignature, err)
	}
	if head.Version != Version {
		return nil, &VersionError{head.Version}
	}
	if v.Report, err = decode(text); err != nil {
		return nil, refuse(PartForm, err)
	}
	v.Key = keys[slices.IndexFunc(verifiers, func(k note.Verifier) bool { return k.KeyHash() == signer.Hash && k.Name() == signer.Name })]
	p := problems(Check(v.Report))
	v.heads = p.journal(v.Report, verifiers)
	if len(p) > 0 {
		return nil, &Refused{p}
	}
	return v, nil
}

func verifiersOf(keys []string) ([]note.Verifier, error) {
	out := make([]note.Verifier, len(keys))
	for i, k := range keys {
		v, err := note.NewVerifier(strings.TrimSpace(k))
		if err != nil {
			return nil, fmt.Errorf("verifier key %q: %w", k, err)
		}
		out[i] = v
	}
	return out, nil
}

// openSignature demands one signature, of one of the keys, over that very text, written in the
// one way in which it can be.
func openSignature(signature, text string, keys []note.Verifier) (note.Signature, error) {
	n, err := note.Open([]byte(signature), note.VerifierList(keys...))
	var unknown *note.UnverifiedNoteError
	if errors.As(err, &unknown) {
		who := make([]string, len(unknown.Note.UnverifiedSigs))
		for i, s := range unknown.Note.UnverifiedSigs {
			who[i] = fmt.Sprintf("%s+%08x", s.Name, s.Hash)
		}
		return note.Signature{}, fmt.Errorf("it is signed by %s, and none of the keys to go by is that", strings.Join(who, ", "))
	}
	if err != nil {
		return note.Signature{}, err
	}
	if n.Text != text {
		return note.Signature{}, errors.New("the signature is of another report")
	}
	s := n.Sigs[0]
	if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil || len(n.Sigs)+len(n.UnverifiedSigs) != 1 {
		return note.Signature{}, errors.New("the signature is not written as it was made")
	}
	return s, nil
}

// journal checks that the signed checkpoints are of this journal, that it only grew between
// them, and that the last event that counted is in it. It gives the checkpoints.
func (p *problems) journal(r *Report, keys []note.Verifier) map[domain.Stream][]checkpoint.Head {
	heads := map[domain.Stream][]checkpoint.Head{}
	for i := range r.Journal.Streams {
		s := &r.Journal.Streams[i]
		if i > 0 && s.Stream == r.Journal.Streams[i-1].Stream || s.Stream.Pipeline != r.Scope.Pipeline {
			p.add(PartJournal, "stream %s stands there twice, or is of another pipeline", s.Stream)
		}
		list, err := s.open(r.Journal.ID, keys)
		if err != nil {
			p.add(PartJournal, "journal %s, stream %s: %v", r.Journal.ID, s.Stream, err)
		}
		heads[s.Stream] = list
		for _, e := range s.Earlier {
			if e.Key == r.Journal.Key {
				p.add(PartJournal, "stream %s: a checkpoint names the key of the report as another one", s.Stream)
			}
		}
	}
	return heads
}

// open opens the checkpoints of a stream and checks the proofs between them.
func (s *Stream) open(id domain.JournalID, keys []note.Verifier) ([]checkpoint.Head, error) {
	earlier := s.Earlier
	if s.Before != "" {
		earlier = append([]Earlier{{Note: s.Before, Proof: s.Proof}}, earlier...)
	} else if len(s.Proof) > 0 {
		return nil, errors.New("a proof begins at no checkpoint")
	}
	if s.After == "" {
		if len(s.LastProof)+len(earlier) > 0 {
			return nil, errors.New("proofs lead to no checkpoint")
		}
		return nil, nil
	}
	var heads []checkpoint.Head
	for _, e := range append([]Earlier{{Note: s.After}}, earlier...) {
		with := keys
		if e.Key != "" {
			other, err := verifiersOf([]string{e.Key})
			if err != nil {
				return nil, err
			}
			with = other
		}
		h, err := checkpoint.Parse(e.Note, with...)
		if err != nil {
			return nil, err
		}
		if h.Journal != id || h.Ref.Stream != s.Stream {
			return nil, fmt.Errorf("a checkpoint is of journal %s, stream %s", h.Journal, h.Ref.Stream)
		}
		heads = append(heads, h)
	}
	after := heads[0]
	for i, h := range heads[1:] {
		if err := checkpoint.CheckConsistency(earlier[i].Proof, int64(h.Ref.Seq), h.Root, int64(after.Ref.Seq), after.Root); err != nil {
			return nil, err
		}
	}
	if s.Last == (Ref{}) && len(s.LastProof) == 0 {
		return heads, nil
	}
	if s.Last.Stream != s.Stream {
		return nil, fmt.Errorf("its last event is one of %s", s.Last.Stream)
	}
	return heads, checkpoint.CheckInclusion(s.LastProof, s.Last.Seq, s.Last.Hash, int64(after.Ref.Seq), after.Root)
}
