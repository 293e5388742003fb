package audit_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/audit"
	"github.com/hefu-io/hefu/journal/checkpoint"
)

// say puts the heads on control, signed, as change leaves them.
func (w *world) say(change func(*domain.Checkpoint)) (key string) {
	w.Helper()
	k, _, err := checkpoint.OpenKey(filepath.Join(w.TempDir(), "hefu.key"))
	if err != nil {
		w.Fatal(err)
	}
	control, err := w.j.OpenControl(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	ev := &domain.Checkpoint{Key: k.VerifierKey()}
	for _, h := range w.heads {
		if h.Note, err = checkpoint.Sign(k, h.Journal, h.Ref, h.Root); err != nil {
			w.Fatal(err)
		}
		ev.Heads = append(ev.Heads, h.TreeHead())
	}
	change(ev)
	if _, err := control.Append(w.Context(), func(*domain.ControlState) (domain.Event, error) { return ev, nil }); err != nil {
		w.Fatal(err)
	}
	return k.VerifierKey()
}

// The checkpoints on control are taken with their keys; one whose note is not signed by the
// key beside it, or says something else than the event, is wrong.
func TestHeadsOnControl(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(*domain.Checkpoint)
	}{
		{"", func(*domain.Checkpoint) {}},
		{"its note is none", func(ev *domain.Checkpoint) { ev.Heads[2].Note = strings.Replace(ev.Heads[2].Note, "/", "//", 1) }},
		{"its note is none", func(ev *domain.Checkpoint) { ev.Key = "hefu.io/journal+142b83d9" }},
		{"its note says something else", func(ev *domain.Checkpoint) { ev.Heads[2].Root[0]++ }},
		{"its note says something else", func(ev *domain.Checkpoint) { ev.Heads[2].Ref.Hash[0]++ }},
	} {
		w := newWorld(t)
		key := w.say(c.change)
		heads, keys, err := audit.Heads(t.Context(), w.j)
		if c.want != "" {
			var head *audit.HeadError
			if !errors.As(err, &head) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
			continue
		}
		if err != nil || len(heads) != len(w.heads) || keys[key] != int64(len(heads)) || heads[1].Ref != w.heads[1].Ref {
			t.Fatalf("%v, %d heads, %v", err, len(heads), keys)
		}
		if r := w.audit(audit.Options{Deep: true, Heads: heads}); !r.Sound() {
			t.Error(r.Wrong())
		}
	}
}

// The chain goes on from the last event that is in the archive alone.
func TestDropped(t *testing.T) {
	hub, other := stream(domain.LegHub), stream(domain.LegDoris)
	var s domain.ControlState
	for i, ev := range []domain.Event{
		&domain.Archived{First: 1, Last: domain.Ref{Stream: hub, Seq: 9, Hash: domain.Hash{9}}},
		&domain.Archived{First: 10, Last: domain.Ref{Stream: hub, Seq: 20, Hash: domain.Hash{20}}},
		&domain.Archived{First: 21, Last: domain.Ref{Stream: hub, Seq: 30, Hash: domain.Hash{30}}},
		&domain.Archived{First: 1, Last: domain.Ref{Stream: other, Seq: 5}},
		&domain.Dropped{Stream: hub, First: 1, Last: 9},
		&domain.Dropped{Stream: hub, First: 10, Last: 20},
	} {
		s.Apply(domain.Seq(i+1), ev)
	}
	got := audit.Dropped(&s)
	if len(got) != 1 || got[hub] != (domain.Ref{Stream: hub, Seq: 20, Hash: domain.Hash{20}}) {
		t.Errorf("%v", got)
	}
}
