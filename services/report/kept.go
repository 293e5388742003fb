package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/checkpoint"
)

// ReadKept reads the checkpoints that somebody kept: Hefu's file of checkpoints, a signed note
// as it stands in there, or an earlier report. keys are those that a single note or a report
// is to be signed with; without any, a note cannot be read, and a report is taken by the key
// that it names.
func ReadKept(b []byte, keys ...string) ([]checkpoint.Head, error) {
	var form struct {
		Report json.RawMessage `json:"report"`
	}
	if !bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		verifiers, err := verifiersOf(keys)
		if err != nil {
			return nil, err
		}
		h, err := checkpoint.Parse(string(b), verifiers...)
		if err != nil {
			return nil, err
		}
		return []checkpoint.Head{h}, nil
	}
	if err := json.Unmarshal(b, &form); err != nil {
		return nil, fmt.Errorf("read kept checkpoints: %w", err)
	}
	if len(form.Report) == 0 {
		list, err := checkpoint.DecodeKept(b)
		if err != nil {
			return nil, err
		}
		heads := make([]checkpoint.Head, len(list))
		for i := range list {
			heads[i] = list[i].Head
		}
		return heads, nil
	}
	v, err := Verify(b, keys...)
	if err != nil {
		return nil, fmt.Errorf("the earlier report: %w", err)
	}
	return v.Heads(), nil
}

// Heads are the newest checkpoint of each stream that has one, ordered by stream.
func (v *Verified) Heads() []checkpoint.Head {
	var out []checkpoint.Head
	for _, s := range v.Report.Journal.Streams {
		if heads := v.heads[s.Stream]; len(heads) > 0 {
			out = append(out, heads[0])
		}
	}
	return out
}

// Foreign is a checkpoint in a report that another key signed than the report's, of the process
// that writes the stream. That it holds, the proofs from it say; whose key it is, nobody does.
type Foreign struct {
	Stream domain.Stream `json:"stream"`
	Seq    domain.Seq    `json:"seq"` // up to which it is signed
	Key    string        `json:"key"` // verifier key
}

// Foreign are the checkpoints of a report that another key signed, ordered by stream.
func (v *Verified) Foreign() []Foreign {
	out := []Foreign{}
	for _, s := range v.Report.Journal.Streams {
		heads := v.heads[s.Stream]
		for i, e := range s.Earlier {
			if e.Key != "" {
				out = append(out, Foreign{s.Stream, heads[len(heads)-len(s.Earlier)+i].Ref.Seq, e.Key})
			}
		}
	}
	return out
}

// Unproven says that a report says nothing about checkpoints that somebody kept: whether its
// journal still contains them is to be asked where the journal is.
type Unproven struct{ Refs []domain.Ref }

// Error names them.
func (e *Unproven) Error() string {
	list := make([]string, len(e.Refs))
	for i, r := range e.Refs {
		list[i] = r.String()
	}
	return fmt.Sprintf("no proof in the report leads from the kept checkpoint %s: go by the reports in between, each of which has proofs from the one before it", strings.Join(list, ", "))
}

// Contains checks that the report's journal is the one of the kept checkpoints, and still has
// all that it had then. Checkpoints of other pipelines are passed over. Errors: *Refused;
// *Unproven.
func (v *Verified) Contains(kept []checkpoint.Head) error {
	var p problems
	var unproven []domain.Ref
	mine := 0
	for _, k := range kept {
		if k.Ref.Stream.Pipeline != v.Report.Scope.Pipeline {
			continue
		}
		mine++
		if proven := p.continues(v.Report, v.heads[k.Ref.Stream], k); !proven {
			unproven = append(unproven, k.Ref)
		}
	}
	if mine == 0 {
		p.add(PartKept, "none of the %d kept checkpoints is of pipeline %s", len(kept), v.Report.Scope.Pipeline)
	}
	if len(p) > 0 {
		return &Refused{p}
	}
	if len(unproven) > 0 {
		return &Unproven{unproven}
	}
	return nil
}

// continues compares a kept checkpoint with those of its stream in the report, of which the
// newest is first. False: none of them is as old as it.
func (p *problems) continues(r *Report, known []checkpoint.Head, k checkpoint.Head) bool {
	switch {
	case k.Journal != r.Journal.ID:
		p.add(PartKept, "the report is of another journal: %s, and the checkpoint that was kept is of %s", r.Journal.ID, k.Journal)
	case len(known) == 0:
		p.add(PartKept, "the report has no checkpoint of stream %s, of which one was kept", k.Ref.Stream)
	case k.Ref.Seq > known[0].Ref.Seq:
		p.add(PartKept, "the report is of an older journal: %s ends at %d, and was at %d when the checkpoint was signed that was kept", k.Ref.Stream, known[0].Ref.Seq, k.Ref.Seq)
	default:
		for _, h := range known {
			if h.Ref.Seq == k.Ref.Seq {
				if h.Root != k.Root || h.Ref != k.Ref {
					p.add(PartKept, "the journal was rewritten: %s is not the event, or not the history, that was signed in the checkpoint that was kept", k.Ref)
				}
				return true
			}
		}
		return false
	}
	return true
}
