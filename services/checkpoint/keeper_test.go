package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/mod/sumdb/note"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a keeper of a pipeline that reads the hub: control, and the Doris stream of a shard,
// which it has a writer of.
type rig struct {
	t       *testing.T
	dir     string
	store   *journal.Memory
	j       *journal.Journal
	control *journal.Control
	w       *journal.Writer
	k       *keeper
	log     bytes.Buffer
}

var doris = domain.Stream{Pipeline: "p", Leg: domain.LegDoris}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), store: journal.NewMemory()}
	r.open()
	return r
}

// open makes a process on the store and the data directory that are there.
func (r *rig) open() {
	r.t.Helper()
	if r.k != nil {
		r.k.close(r.t.Context())
	}
	var err error
	r.j, err = journal.Open(r.t.Context(), "p", journal.Options{Store: r.store, RegressedAfter: time.Millisecond})
	r.ok(err)
	r.control, err = r.j.OpenControl(r.t.Context())
	r.ok(err)
	started, err := r.control.Append(r.t.Context(), func(*domain.ControlState) (domain.Event, error) { return &domain.Started{}, nil })
	r.ok(err)
	r.w, err = r.j.Takeover(r.t.Context(), doris, started.Seq, 1)
	r.ok(err)
	r.k = r.keeper(r.dir, started.Seq)
	r.t.Cleanup(func() { r.k.close(context.WithoutCancel(r.t.Context())) })
}

func (r *rig) keeper(dir string, incarnation domain.Seq) *keeper {
	r.t.Helper()
	c := config.Default()
	c.DataDir, c.Journal.Checkpoint.Interval = dir, time.Hour // nothing is due before a test says so
	o := &pipeline.Open{
		Config: config.Pipeline{Name: "p", Doris: &config.Doris{}}, Journal: r.j, Control: r.control, Incidents: projections.Incidents{Control: r.control},
		Configured: domain.PipelineConfig{Direct: true, Shards: 1}, Incarnation: incarnation, Shards: []int{0},
	}
	key, _, err := checkpoint.OpenKey(c.KeyFile())
	r.ok(err)
	file, err := openShared(checkpoint.FilePath(dir))
	r.ok(err)
	k, err := newKeeper(r.t.Context(), &c, pipeline.Role{Legs: []domain.Leg{domain.LegDoris}}, o, key, file, slog.New(slog.NewTextHandler(&r.log, nil)))
	r.ok(err)
	return k
}

func (r *rig) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) append(n int) {
	r.t.Helper()
	for range n {
		_, err := r.w.Append(r.t.Context(), &domain.DorisAborted{Owned: r.w.Owned(), Trail: r.w.Trail(), Why: "x"})
		r.ok(err)
	}
}

// due is a step after the interval.
func (r *rig) due(k *keeper) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at, k.said = k.at.Add(-k.interval), k.said.Add(-perEvent*k.interval)
	return k.step(r.t.Context())
}

func (r *rig) heads() (out map[domain.Stream]domain.TreeHead) {
	out = map[domain.Stream]domain.TreeHead{}
	r.control.State(func(s *domain.ControlState) {
		for at, h := range s.Heads {
			out[at] = h
		}
	})
	return out
}

func (r *rig) tail() (seq domain.Seq) {
	r.control.State(func(s *domain.ControlState) { seq = s.Tail })
	return seq
}

// TestCheckpoints: what is new is signed when it is due, on control and in the file, each
// head a continuation of the one before; what is not new is not signed again.
func TestCheckpoints(t *testing.T) {
	r := newRig(t)
	v, err := note.NewVerifier(r.k.key.VerifierKey())
	r.ok(err)
	r.append(5)
	r.k.mu.Lock()
	err = r.k.step(t.Context())
	r.k.mu.Unlock()
	r.ok(err)
	if len(r.heads()) != 0 {
		t.Error("signed before it was due")
	}
	r.ok(r.due(r.k))
	first := r.heads()
	if first[doris].Ref != r.w.Tail() || first[domain.ControlStream("p")].Ref.Seq != 2 {
		t.Errorf("signed %+v", first)
	}
	for range 3 {
		before := r.tail()
		r.ok(r.due(r.k))
		if r.tail() != before {
			t.Errorf("a checkpoint of nothing but a checkpoint: control went from %d to %d", before, r.tail())
		}
	}
	r.append(3 * 8192) // more than the journal keeps hashes of
	now, err := r.k.now(t.Context())
	r.ok(err)
	second := r.heads()
	if second[doris].Ref != r.w.Tail() || len(now) != 2 || now[1].TreeHead() != second[doris] {
		t.Errorf("signed %+v, said %+v", second[doris].Ref, now)
	}
	file, err := checkpoint.OpenFile(checkpoint.FilePath(r.dir))
	r.ok(err)
	if heads := file.Heads(); len(heads) != 2 || heads[0].TreeHead() != second[doris] || heads[1].TreeHead() != second[domain.ControlStream("p")] {
		t.Errorf("the file has %+v", heads)
	}
	b := r.k.branches[1]
	old, next := first[doris], second[doris]
	for _, h := range []domain.TreeHead{old, next} {
		if head, err := checkpoint.Parse(h.Note, v); err != nil || head.TreeHead() != h || head.Journal != r.j.ID() {
			t.Errorf("note %q: %v", h.Note, err)
		}
	}
	proof, err := b.tree.Consistency(int64(old.Ref.Seq), int64(next.Ref.Seq))
	r.ok(err)
	r.ok(checkpoint.CheckConsistency(proof, int64(old.Ref.Seq), old.Root, int64(next.Ref.Seq), next.Root))
	e, err := r.j.Get(t.Context(), doris, 12345)
	r.ok(err)
	proof, err = b.tree.Inclusion(e.Seq, int64(next.Ref.Seq))
	r.ok(err)
	r.ok(checkpoint.CheckInclusion(proof, e.Seq, e.Hash, int64(next.Ref.Seq), next.Root))
}

// TestManyEvents make a checkpoint due before the interval is over.
func TestManyEvents(t *testing.T) {
	r := newRig(t)
	r.append(int(r.k.events))
	r.k.mu.Lock()
	defer r.k.mu.Unlock()
	r.ok(r.k.step(t.Context()))
	if r.heads()[doris].Ref != r.w.Tail() {
		t.Errorf("signed %+v", r.heads())
	}
}

// TestOpenedAgain: the next process goes on from the trees and heads, and from a tree that
// is gone, which it makes again from the stream.
func TestOpenedAgain(t *testing.T) {
	r := newRig(t)
	for _, harm := range []func(){
		func() {},
		func() { r.ok(os.RemoveAll(filepath.Join(r.dir, "trees"))) },
		func() { r.ok(os.Remove(checkpoint.FilePath(r.dir))) },
		func() { r.ok(os.Truncate(checkpoint.TreePath(r.dir, r.j.ID(), doris), 33)) },
	} {
		r.append(5)
		r.ok(r.due(r.k))
		before := r.heads()[doris]
		r.append(2)
		harm()
		r.open()
		r.append(2)
		r.ok(r.due(r.k))
		if after := r.heads()[doris]; after.Ref != r.w.Tail() || after.Ref.Seq <= before.Ref.Seq {
			t.Errorf("signed %s after %s", after.Ref, before.Ref)
		}
	}
	if r.log.Len() > 0 {
		t.Errorf("said %s", &r.log)
	}
	// Another key signs on, and says so.
	r.ok(os.Remove(filepath.Join(r.dir, "hefu.key")))
	r.open()
	r.append(1)
	r.ok(r.due(r.k))
	if r.heads()[doris].Ref != r.w.Tail() || !strings.Contains(r.log.String(), "another key") {
		t.Errorf("signed %s, said %s", r.heads()[doris].Ref, &r.log)
	}
}

// ends demands that the process ends over what the keeper finds, and that it is on record.
func (r *rig) ends(kind domain.IncidentKind, words ...string) {
	r.t.Helper()
	_, err := r.k.now(r.t.Context())
	err = r.k.judge(r.t.Context(), err)
	var ends interface{ ExitCode() int }
	if !errors.As(err, &ends) || ends.ExitCode() != 2 {
		r.t.Fatalf("ended with %v", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			r.t.Errorf("%q does not say %q", err, w)
		}
	}
	r.control.State(func(s *domain.ControlState) {
		open := s.Open()
		if kind == "" && len(open) > 0 || kind != "" && (len(open) != 1 || open[0].What != kind) {
			r.t.Errorf("on record: %v", open)
		}
	})
}

// TestFindings: what is not what was signed ends the process.
func TestFindings(t *testing.T) {
	signed := func(t *testing.T) *rig {
		r := newRig(t)
		r.append(20)
		r.ok(r.due(r.k))
		r.append(2)
		return r
	}
	t.Run("lost end", func(t *testing.T) {
		r := signed(t)
		r.ok(r.k.take())
		r.store.Truncate(doris, 10)
		r.ends(domain.IncidentJournalRegressed, "journal regressed", "p.0.doris@24", ".tree", "put the journal back")
	})
	t.Run("rewritten end", func(t *testing.T) {
		r := signed(t)
		r.ok(r.k.take())
		other, _ := journal.Encode(r.j.ID(), doris, 24, domain.Hash{7}, 0, &domain.DorisAborted{Why: "y"})
		r.ok(r.store.Rewrite(doris, 24, bytes.Join(other, nil)))
		r.ends(domain.IncidentIntegrity, "journal rewritten", "p.0.doris@24")
	})
	t.Run("broken chain", func(t *testing.T) {
		r := signed(t)
		// Appended by another process, so they are read.
		k := r.keeper(t.TempDir(), 2)
		t.Cleanup(func() { k.close(context.WithoutCancel(t.Context())) })
		j, err := journal.Open(t.Context(), "p", journal.Options{Store: r.store, RegressedAfter: time.Millisecond})
		r.ok(err)
		k.branches[1].j = j
		stored, err := r.store.Get(t.Context(), doris, 1, 7)
		r.ok(err)
		r.ok(r.store.Rewrite(doris, 7, stored[:len(stored)-1]))
		r.k, k = k, r.k
		r.ends(domain.IncidentIntegrity, "p.0.doris@7")
		r.k, k = k, r.k
	})
	t.Run("other tree", func(t *testing.T) {
		r := signed(t)
		path := checkpoint.TreePath(r.dir, r.j.ID(), doris)
		b, err := os.ReadFile(path)
		r.ok(err)
		for i := range b {
			b[i]++
		}
		r.ok(os.WriteFile(path, b, 0o600))
		r.ends("", path, "move the file away")
	})
	t.Run("other history signed", func(t *testing.T) {
		r := signed(t)
		r.k.branches[1].signed.Root[3]++
		r.ends("", "no continuation")
	})
}

// TestNothingIsLostToFaults: a checkpoint that could not be written is written with the next
// one, wherever it failed, and whether the write happened or not.
func TestNothingIsLostToFaults(t *testing.T) {
	for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
		r := newRig(t)
		r.append(3)
		faults := 1
		r.store.OnPut = func(s domain.Stream, _ domain.Seq, _ [][]byte) journal.Fault {
			if s.Leg != domain.LegControl || faults == 0 {
				return journal.FaultNone
			}
			faults--
			return fault
		}
		before := r.tail()
		r.ok(r.due(r.k)) // control finds out what became of it
		if r.heads()[doris].Ref != r.w.Tail() || r.tail() != before+1 {
			t.Errorf("fault %d: signed %s, %d events", fault, r.heads()[doris].Ref, r.tail()-before)
		}
	}
	t.Run("file", func(t *testing.T) {
		r := newRig(t)
		moved := r.dir + ".gone"
		r.append(3)
		r.ok(os.Rename(r.dir, moved))
		err := r.due(r.k)
		if err == nil || r.k.judge(t.Context(), err) != nil || r.heads()[doris].Ref != r.w.Tail() {
			t.Errorf("without a folder: %v, signed %s", err, r.heads()[doris].Ref)
		}
		r.ok(os.Rename(moved, r.dir))
		before := r.tail()
		r.ok(r.due(r.k)) // though nothing is new but that it was signed
		file, err := checkpoint.OpenFile(checkpoint.FilePath(r.dir))
		r.ok(err)
		if len(file.Heads()) != 2 || file.Heads()[0].Ref != r.w.Tail() || r.tail() > before+1 {
			t.Errorf("the file has %v, control went from %d to %d", file.Heads(), before, r.tail())
		}
	})
	t.Run("end", func(t *testing.T) {
		r := newRig(t)
		r.append(3) // no step saw them
		r.k.last(t.Context())
		if r.heads()[doris].Ref != r.w.Tail() {
			t.Errorf("signed %s", r.heads()[doris].Ref)
		}
	})
}

// TestTwoProcesses sign one control stream with keys of their own, and go on from each other.
func TestTwoProcesses(t *testing.T) {
	r := newRig(t)
	other := r.keeper(t.TempDir(), 2)
	t.Cleanup(func() { other.close(context.WithoutCancel(t.Context())) })
	for range 3 {
		for _, k := range []*keeper{r.k, other} {
			r.append(1)
			r.ok(r.due(k))
			if r.heads()[doris].Ref != r.w.Tail() {
				t.Errorf("signed %s", r.heads()[doris].Ref)
			}
		}
	}
	// What another one signed, and is not what this one has, is found.
	forged := r.heads()[doris]
	_, err := r.control.Append(t.Context(), func(*domain.ControlState) (domain.Event, error) {
		r.append(1)
		forged.Ref = r.w.Tail()
		return &domain.Checkpoint{Key: other.key.VerifierKey(), Heads: []domain.TreeHead{forged}}, nil
	})
	r.ok(err)
	r.append(1)
	r.ends("", "no continuation")
}
