package reconcile

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/reconcile/origin"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// opened is a pipeline's journal in memory.
func opened(t *testing.T) (*pipeline.Open, *journal.Memory) {
	t.Helper()
	store := journal.NewMemory()
	j, err := journal.Open(t.Context(), "p", journal.Options{Store: store})
	must(t, err)
	control, err := j.OpenControl(t.Context())
	must(t, err)
	for range 2 {
		_, err = control.Append(t.Context(), func(*domain.ControlState) (domain.Event, error) { return &domain.Started{}, nil })
		must(t, err)
	}
	return &pipeline.Open{Config: config.Pipeline{Name: "p"}, Journal: j, Control: control, Incidents: projections.Incidents{Control: control}}, store
}

// watching is a watch whose Prover has the windows and findings given.
func watching(t *testing.T, o *pipeline.Open, windows []proof.Life, findings ...domain.Finding) *watch {
	t.Helper()
	w, err := newWatch(t.Context(), o)
	must(t, err)
	for _, l := range windows {
		w.p.rows[l.Window] = &window{life: l}
	}
	w.p.found.addAll(findings, 0)
	return w
}

// reconciledEvents are those on control.
func reconciledEvents(t *testing.T, o *pipeline.Open) (out []*domain.Reconciled) {
	t.Helper()
	control := domain.ControlStream("p")
	tail, err := o.Journal.Tail(t.Context(), control)
	must(t, err)
	r, err := o.Journal.Read(t.Context(), control, domain.Cursor{})
	must(t, err)
	defer r.Close()
	for seq := domain.Seq(0); seq < tail.Seq; seq++ {
		e, err := r.Next(t.Context())
		must(t, err)
		if ev, is := e.Event.(*domain.Reconciled); is {
			out = append(out, ev)
		}
	}
	return out
}

func lifeOf(index int64, state domain.WindowState, rows int64) proof.Life {
	l := proof.Begin(domain.Window{Proof: domain.ProofCityHub, Source: "a", Generation: 1, Index: index})
	l.State, l.Through = state, l.Window.Span().First+rows
	l.Left.Rows, l.Right.Rows = rows, rows
	return l
}

func findingAt(offset int64) domain.Finding {
	return domain.Finding{Class: domain.Lost, Where: "hub", Source: "a", Generation: 1, Row: domain.Lineage{City: domain.Coord{Offset: offset}}}
}

// Whatever becomes of the append of an event, control has each verdict and each finding once.
func TestVerdictsAreSaidOnce(t *testing.T) {
	for name, fault := range map[string]journal.Fault{"none": journal.FaultNone, "before": journal.FaultBefore, "after": journal.FaultAfter} {
		t.Run(name, func(t *testing.T) {
			o, store := opened(t)
			store.OnPut = func(domain.Stream, domain.Seq, [][]byte) journal.Fault {
				defer func() { fault = journal.FaultNone }()
				return fault
			}
			windows := []proof.Life{lifeOf(0, domain.WindowVerified, domain.WindowSize), lifeOf(1, domain.WindowOpen, 7)}
			for range 3 { // a look that fails, another process, one at rest
				w := watching(t, o, windows, findingAt(9))
				for range 2 {
					if err := w.tell(t.Context(), 1); err != nil {
						if !errors.Is(err, journal.ErrInjected) {
							t.Fatal(err)
						}
						break
					}
				}
			}
			events := reconciledEvents(t, o)
			if len(events) != 1 || len(events[0].Windows) != 1 || len(events[0].Findings) != 1 {
				t.Errorf("%+v", events)
			}
		})
	}
}

// A look that found much says it in several events, none of them large, and how far it came in
// the last one.
func TestEventsAreBounded(t *testing.T) {
	o, store := opened(t)
	store.MaxEvent = 1 << 20
	var windows []proof.Life
	var findings []domain.Finding
	for i := range int64(2*perEvent + 1) {
		windows = append(windows, lifeOf(i, domain.WindowVerified, domain.WindowSize))
		findings = append(findings, findingAt(i))
	}
	w := watching(t, o, windows, findings...)
	must(t, w.tell(t.Context(), 1))
	events, n, m := reconciledEvents(t, o), 0, 0
	for _, ev := range events {
		n, m = n+len(ev.Windows), m+len(ev.Findings)
	}
	if len(events) != 3 || n != len(windows) || m != len(findings) {
		t.Errorf("%d events with %d windows and %d findings", len(events), n, m)
	}
}

// What is news, from one state of a window to the next.
func TestNews(t *testing.T) {
	o, _ := opened(t)
	open, diverged := lifeOf(0, domain.WindowOpen, 10), lifeOf(0, domain.WindowDiverged, 10)
	grown, more := lifeOf(0, domain.WindowOpen, 20), lifeOf(0, domain.WindowDiverged, 20)
	full, fuller := lifeOf(0, domain.WindowDiverged, domain.WindowSize), lifeOf(0, domain.WindowDiverged, domain.WindowSize)
	fuller.Right.Rows--
	for _, c := range []struct {
		name         string
		before, then proof.Life
		news         int
	}{
		{"open", open, open, 0},
		{"a prefix that grows", open, grown, 0},
		{"settling", open, lifeOf(0, domain.WindowSettling, 20), 0},
		{"suspect", open, lifeOf(0, domain.WindowSuspect, 20), 0},
		{"verified", open, lifeOf(0, domain.WindowVerified, domain.WindowSize), 1},
		{"diverged", open, diverged, 1},
		{"the same", diverged, diverged, 0},
		{"looked at again", diverged, lifeOf(0, domain.WindowSuspect, 10), 0},
		{"what differs grows", diverged, more, 0},
		{"what differs is full", more, full, 1},
		{"all of what differs, changed", full, fuller, 1},
		{"mended", diverged, grown, 1},
		{"cannot be checked", open, lifeOf(0, domain.WindowUnverifiable, 10), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := watching(t, o, []proof.Life{c.before})
			w.said = map[domain.Window]domain.WindowResult{}
			if c.before.State != domain.WindowOpen {
				w.said[c.before.Window] = c.before.Result()
			}
			w.p.rows[c.then.Window].life = c.then
			if got, _ := w.news(); len(got) != c.news {
				t.Errorf("%d news, want %d: %+v", len(got), c.news, got)
			}
		})
	}
}

// A journal that is not sound is an incident; nobody looks until it is resolved. Where control
// cannot take the incident, the process ends.
func TestUnsoundJournalStopsTheLooks(t *testing.T) {
	o, store := opened(t)
	control := domain.ControlStream("p")
	whole, err := store.Get(t.Context(), control, 1, 2)
	must(t, err)
	broken := bytes.Clone(whole)
	broken[len(broken)-1] ^= 1
	must(t, store.Rewrite(control, 2, broken))
	ctx, cancel := context.WithCancel(t.Context())
	followed, ended := make(chan error, 1), make(chan error, 1)
	s := &Service{log: slog.New(slog.DiscardHandler), state: map[string]*State{}}
	go func() { followed <- o.Control.Run(ctx) }()
	go func() { ended <- s.watch(ctx, o, time.Millisecond) }()
	var in *domain.Incident
	must(t, o.Control.Wait(deadline(t), func(c *domain.ControlState) bool {
		if len(c.Open()) == 1 {
			in = c.Open()[0]
		}
		return in != nil
	}))
	if in.What != domain.IncidentIntegrity || in.Stream != control {
		t.Errorf("%+v", in)
	}
	looks := func() int64 { s.mu.Lock(); defer s.mu.Unlock(); return s.of(o).Looks }
	<-time.After(50 * time.Millisecond) // of looks every one
	if n := looks(); n != 1 {
		t.Errorf("%d looks while it waits", n)
	}
	must(t, store.Rewrite(control, 2, whole))
	_, err = o.Control.Append(ctx, func(*domain.ControlState) (domain.Event, error) {
		return &domain.Resolved{ID: in.ID, Choice: domain.ChoiceRetry, Who: "wang", Why: "put back"}, nil
	})
	must(t, err)
	for end := deadline(t); looks() < 3; {
		if end.Err() != nil {
			t.Fatal("nobody looks after it was resolved")
		}
		select {
		case <-end.Done():
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	must(t, <-ended)
	must(t, <-followed)

	tail, err := o.Journal.Tail(t.Context(), control)
	must(t, err)
	for _, seq := range []domain.Seq{2, tail.Seq} {
		stored, err := store.Get(t.Context(), control, 1, seq)
		must(t, err)
		stored[len(stored)-1] ^= 1
		must(t, store.Rewrite(control, seq, stored))
	}
	var refused *projections.Refusal
	if err := s.watch(deadline(t), o, time.Millisecond); !errors.As(err, &refused) {
		t.Errorf("ended with %v", err)
	}
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// How far a stream was compared is said when the table has what was on its way, not before, and
// not only when nothing is on its way.
func TestThroughWaitsForTheTable(t *testing.T) {
	o, _ := opened(t)
	in, err := origin.Open(t.Context(), o.Journal, origin.Digits{})
	must(t, err)
	ref := func(leg domain.Leg, seq domain.Seq) domain.Ref {
		return domain.Ref{Stream: domain.Stream{Pipeline: "p", Leg: leg}, Seq: seq, Hash: domain.Hash{byte(seq)}}
	}
	l := &lane{}
	of := &hubLane{}
	p := &Prover{table: &target.Doris{}, lanes: []*lane{l}, hubs: map[int32]*hubLane{3: of}}
	for _, c := range []struct {
		hub        domain.Seq // how far the stream is …
		end, table int64      // … where the hub ends, and what of it is loaded
		through    domain.Seq
	}{
		{10, 100, 0, 0},
		{20, 200, 99, 0},
		{30, 300, 150, 10},
		{40, 400, 300, 30},
		{50, 500, 399, 0},
		{50, 500, 500, 50},
		{50, 500, 500, 50},
	} {
		l.scan = in.NewScan(0, origin.Cursors{Ingest: ref(domain.LegIngest, c.hub+1)}, nil)
		l.to.Hub, l.to.Doris = ref(domain.LegHub, c.hub), ref(domain.LegDoris, c.hub+2)
		l.ends.HubSpans, of.table = map[int32]domain.Span{3: {Next: c.end}}, c.table
		got := p.through()
		var want []domain.Ref
		if c.through > 0 {
			want = []domain.Ref{ref(domain.LegIngest, c.through+1), ref(domain.LegHub, c.through), ref(domain.LegDoris, c.hub+2)}
		}
		if !slices.Equal(got, want) {
			t.Errorf("hub at %d with %d of %d loaded: through %v, want %v", c.hub, c.table, c.end, got, want)
		}
	}
}
