package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/audit"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// process is one of two that write a pipeline: it has a shard, and a data directory and a key of
// its own.
type process struct {
	*rig
	stream  domain.Stream
	service *Service
}

// two are processes of one pipeline, each with some events of its own.
func two(t *testing.T) (a, b *process, store *journal.Memory) {
	t.Helper()
	store = journal.NewMemory()
	a, b = newProcess(t, store, 0), newProcess(t, store, 1)
	a.append(5)
	b.append(7)
	return a, b, store
}

func newProcess(t *testing.T, store *journal.Memory, shard int) *process {
	t.Helper()
	p := &process{rig: &rig{t: t, dir: t.TempDir(), store: store}, stream: domain.Stream{Pipeline: "p", Shard: shard, Leg: domain.LegDoris}}
	var err error
	p.j, err = journal.Open(t.Context(), "p", journal.Options{Store: store, RegressedAfter: time.Millisecond})
	p.ok(err)
	p.control, err = p.j.OpenControl(t.Context())
	p.ok(err)
	started, err := p.control.Append(t.Context(), func(*domain.ControlState) (domain.Event, error) { return &domain.Started{}, nil })
	p.ok(err)
	p.w, err = p.j.Takeover(t.Context(), p.stream, started.Seq, 1)
	p.ok(err)
	c := config.Default()
	c.DataDir = p.dir
	o := &pipeline.Open{
		Config: config.Pipeline{Name: "p", Doris: &config.Doris{}}, Journal: p.j, Control: p.control, Incidents: projections.Incidents{Control: p.control},
		Configured: domain.PipelineConfig{Direct: true, Shards: 2}, Incarnation: started.Seq, Shards: []int{shard},
	}
	key, _, err := checkpoint.OpenKey(c.KeyFile())
	p.ok(err)
	file, err := openShared(checkpoint.FilePath(p.dir))
	p.ok(err)
	p.k, err = newKeeper(t.Context(), &c, pipeline.Role{Legs: []domain.Leg{domain.LegDoris}}, o, key, file, slog.New(slog.NewTextHandler(&p.log, nil)))
	p.ok(err)
	t.Cleanup(func() { p.k.close(context.WithoutCancel(t.Context())) })
	p.service = &Service{key: key, keepers: []*keeper{p.k}, ready: make(chan struct{})}
	close(p.service.ready)
	return p
}

// signed is what Now gives, by key and stream; each note is verified with its key.
func (p *process) signed() (mine, others map[domain.Stream]checkpoint.Kept) {
	p.t.Helper()
	heads, err := p.service.Now(p.t.Context(), "p")
	p.ok(err)
	mine, others = map[domain.Stream]checkpoint.Kept{}, map[domain.Stream]checkpoint.Kept{}
	for _, h := range heads {
		v, err := note.NewVerifier(h.Key)
		p.ok(err)
		if at, err := checkpoint.Parse(h.Note, v); err != nil || at != h.Head {
			p.t.Errorf("%s: %v", h.Ref, err)
		}
		if h.Key == p.k.key.VerifierKey() {
			mine[h.Ref.Stream] = h
		} else {
			others[h.Ref.Stream] = h
		}
	}
	return mine, others
}

// TestOthers: for a report each of two processes signs all streams with its own key, also those
// that the other one writes, and gives what the other one signed of them.
func TestOthers(t *testing.T) {
	a, b, _ := two(t)
	b.ok(b.due(b.k))
	for _, p := range [][2]*process{{a, b}, {b, a}} {
		p, other := p[0], p[1]
		for range 2 { // once more where nothing is new, and the newest head on control may be the other's
			other.ok(other.due(other.k))
			before, theirs := p.signed()
			if want := []domain.Stream{domain.ControlStream("p"), a.stream, b.stream}; !slices.Equal(slices.SortedFunc(maps.Keys(before), byName), want) {
				t.Fatalf("signed %v", before)
			}
			if before[p.stream].Ref != p.w.Tail() || before[other.stream].Ref != other.w.Tail() {
				t.Errorf("signed %s and %s, the streams end at %s and %s", before[p.stream].Ref, before[other.stream].Ref, p.w.Tail(), other.w.Tail())
			}
			if h := theirs[other.stream]; h.Key != other.k.key.VerifierKey() || h.TreeHead() != p.heads()[other.stream] {
				t.Errorf("the other one signed %s, given was %s of key %s", p.heads()[other.stream].Ref, h.Ref, h.Key)
			}
			other.append(3)
			p.append(1)
			after, _ := p.signed()
			for s, old := range before {
				p.continues(old, after[s])
			}
			p.continues(theirs[other.stream], after[other.stream])
			e, err := p.j.Get(t.Context(), other.stream, 5)
			p.ok(err)
			size := int64(after[other.stream].Ref.Seq)
			proof, err := p.service.Inclusion(other.stream, 5, size)
			p.ok(err)
			p.ok(checkpoint.CheckInclusion(proof, 5, e.Hash, size, after[other.stream].Root))
		}
	}
	if _, err := a.service.Now(t.Context(), "q"); err == nil || !strings.Contains(err.Error(), "no pipeline q") {
		t.Errorf("of a pipeline that is not here: %v", err)
	}
	late, err := a.service.branch(b.stream)
	a.ok(err)
	late.signed.Ref.Seq = late.last.Seq + 1
	if _, err := late.heads(checkpoint.Kept{}, a.k.key); err == nil || !strings.Contains(err.Error(), "answered from before") {
		t.Errorf("of a store that does not have what was signed: %v", err)
	}
	if all := headsOf(a.k.branches); len(all) != 2 {
		t.Errorf("the other one's stream is signed all the time: %v", all)
	}
}

func byName(x, y domain.Stream) int { return strings.Compare(rank(x), rank(y)) }

func rank(s domain.Stream) string {
	if s.Leg == domain.LegControl {
		return ""
	}
	return s.String()
}

func (p *process) continues(old, next checkpoint.Kept) {
	p.t.Helper()
	proof, err := p.service.Consistency(old.Ref.Stream, int64(old.Ref.Seq), int64(next.Ref.Seq))
	p.ok(err)
	p.ok(checkpoint.CheckConsistency(proof, int64(old.Ref.Seq), old.Root, int64(next.Ref.Seq), next.Root))
}

// TestStill signs the streams of two processes, offline and with a third key.
func TestStill(t *testing.T) {
	a, b, store := two(t)
	for _, p := range []*process{a, b} {
		p.ok(p.due(p.k))
	}
	j, err := journal.Open(t.Context(), "p", journal.Options{Store: store, RegressedAfter: time.Millisecond})
	a.ok(err)
	dir := t.TempDir()
	still, err := OpenStill(t.Context(), j, dir, dir+"/key")
	a.ok(err)
	if _, err := OpenStill(t.Context(), j, dir, dir+"/key"); !errors.Is(err, checkpoint.ErrHeld) {
		t.Errorf("opened twice: %v", err)
	}
	heads, err := still.Now(t.Context(), "p")
	a.ok(err)
	keys := map[domain.Stream][]string{}
	for _, h := range heads {
		keys[h.Ref.Stream] = append(keys[h.Ref.Stream], h.Key)
	}
	for _, p := range []*process{a, b} {
		if got := keys[p.stream]; !slices.Equal(got, []string{still.key.VerifierKey(), p.k.key.VerifierKey()}) {
			t.Errorf("%s is signed by %v", p.stream, got)
		}
	}
	still.Close()
	store.Truncate(b.stream, 4)
	var breach *journal.BreachError
	if _, err := OpenStill(t.Context(), j, dir, dir+"/key"); !errors.As(err, &breach) || breach.What != journal.BreachRegressed {
		t.Errorf("a stream that ends before its tree: %v", err)
	}
	still, err = OpenStill(t.Context(), j, t.TempDir(), dir+"/key")
	a.ok(err) // nobody is held by those that failed
	still.Close()
}

// TestOthersAltered: what another process writes, and is not what it signed, is signed for no
// report, and the breach is named.
func TestOthersAltered(t *testing.T) {
	for _, c := range []struct {
		name  string
		alter func(a, b *process, store *journal.Memory)
		what  journal.Breach // empty: see says
		says  []string
	}{
		{"its end is lost", func(_, b *process, store *journal.Memory) { store.Truncate(b.stream, 6) }, journal.BreachRegressed, []string{"p.1.doris@", "on control, signed with"}},
		{"its end is another event", func(a, b *process, store *journal.Memory) {
			at := a.heads()[b.stream].Ref
			other, _ := journal.Encode(b.j.ID(), b.stream, at.Seq, domain.Hash{7}, 0, &domain.DorisAborted{Why: "y"})
			a.ok(store.Rewrite(b.stream, at.Seq, bytes.Join(other, nil)))
		}, journal.BreachRewritten, []string{"p.1.doris@", "on control, signed with"}},
		{"an event does not read", func(a, b *process, store *journal.Memory) {
			stored, err := store.Get(t.Context(), b.stream, 1, 4)
			a.ok(err)
			a.ok(store.Rewrite(b.stream, 4, stored[:len(stored)-1]))
		}, journal.BreachDamaged, []string{"p.1.doris@4"}},
		{"it signed another history", func(a, b *process, _ *journal.Memory) {
			head := b.k.branches[1].signed
			head.Root[3]++
			b.forge(head)
		}, "", []string{"p.1.doris.tree", "verify --deep"}},
		{"it signed another history, before what was signed here", func(a, b *process, _ *journal.Memory) {
			head := b.k.branches[1].signed
			b.append(1)
			a.signed()
			b.append(1)
			e, err := b.j.Get(t.Context(), b.stream, b.w.Tail().Seq-1) // that a has signed
			a.ok(err)
			head.Ref = e.Ref() // and the root of the event before
			b.forge(head)
		}, "", []string{"p.1.doris.tree", "verify --deep"}},
		{"it signed another history of control", func(a, b *process, _ *journal.Memory) {
			head := b.k.branches[0].signed
			head.Root[3]++
			a.signed() // a newer one, so that the other one's is not adopted
			b.forge(head)
			a.ok(a.control.CatchUp(t.Context()))
			b.append(1)
		}, "", []string{"p.control.tree", "verify --deep"}},
		{"it signed nothing", func(_, b *process, _ *journal.Memory) {
			head := b.k.branches[1].signed
			head.Note = strings.Replace(head.Note, "1", "2", 1)
			b.say(head)
		}, "", []string{"p.1.doris@", "its note"}},
		{"it signed something else", func(_, b *process, _ *journal.Memory) {
			head := b.k.branches[1].signed
			head.Note = b.k.branches[0].signed.Note
			b.say(head)
		}, "", []string{"p.1.doris@", "its note"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b, store := two(t)
			b.ok(b.due(b.k))
			a.ok(a.control.CatchUp(t.Context()))
			c.alter(a, b, store)
			_, err := a.service.Now(t.Context(), "p")
			var breach *journal.BreachError
			var tree *checkpoint.TreeError
			var head *audit.HeadError
			switch {
			case c.what != "" && (!errors.As(err, &breach) || breach.What != c.what), c.what == "" && !errors.As(err, &tree) && !errors.As(err, &head):
				t.Fatalf("got %v", err)
			}
			for _, w := range c.says {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
			at, err := a.service.branch(b.stream)
			a.ok(err)
			if at.signed.Key == a.k.key.VerifierKey() && at.signed.Ref.Seq == b.w.Tail().Seq {
				t.Errorf("it was signed: %s", at.signed.Ref)
			}
		})
	}
}

// forge signs a head as it is, and says it.
func (p *process) forge(h checkpoint.Kept) {
	p.t.Helper()
	var err error
	h.Note, err = checkpoint.Sign(p.k.key, p.j.ID(), h.Ref, h.Root)
	p.ok(err)
	p.say(h)
}

func (p *process) say(h checkpoint.Kept) {
	p.t.Helper()
	_, err := p.control.Append(p.t.Context(), func(*domain.ControlState) (domain.Event, error) {
		return &domain.Checkpoint{Key: h.Key, Heads: []domain.TreeHead{h.TreeHead()}}, nil
	})
	p.ok(err)
}
