package reconcile_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
)

// tail demands a finding for the lost end of a hub partition, with the first row's place.
func tailOf(t *testing.T, r *report.Report, city, hub int64, says ...string) {
	t.Helper()
	i := slices.IndexFunc(r.Findings, func(f report.Finding) bool {
		return f.Class == domain.Lost && f.Where == "hub" && f.CityOffset == city && f.HubOffset == hub
	})
	if i < 0 || r.Verdict != domain.Diverged {
		t.Fatalf("verdict %s: %s: no tail at %d, hub %d: %+v", r.Verdict, r.Why, city, hub, some(r))
	}
	for _, text := range says {
		if !strings.Contains(r.Findings[i].Detail, text) {
			t.Errorf("%q does not say %q", r.Findings[i].Detail, text)
		}
	}
}

func others(r *report.Report, what string) (n int64) {
	for _, o := range r.Others {
		if strings.Contains(o.What, what) {
			n += o.Rows
		}
	}
	return n
}

// The end of a hub partition that is gone is one finding of each source partition with rows there:
// as a whole, for a while, and for a pipeline that ends at the hub. The rest is verified.
func TestTailIsGone(t *testing.T) {
	for _, table := range []string{"ods.t", ""} {
		w := newWorld(t, func(c *domain.PipelineConfig) { c.Table, c.Sources[1].Base = table, 0 })
		s := w.opened()
		w.ingests(s, w.run(s, "nanjing", 0, 20, 1), w.run(s, "nanjing", 1, 30, 0), w.run(s, "wuxi", 0, 10, 1))
		w.carries(s)
		from := time.UnixMicro(int64(w.now)).Add(time.Microsecond)
		w.ingests(s, w.run(s, "nanjing", 0, 20, 1), w.run(s, "wuxi", 0, 5, 0))
		w.carries(s)
		if table != "" {
			w.loads(s)
		}
		verified(t, w.proved(), 85)
		w.cuts(map[int32]int64{0: 45}) // 20 nanjing, 10 wuxi, 15 of 20 nanjing
		for _, scope := range []reconcile.Scope{{}, {From: &from}} {
			r := w.proved(scope)
			if len(r.Findings) != 2 {
				t.Errorf("%+v", some(r))
			}
			tailOf(t, r, 36, 45, "partition 0 ends at 45", "5 rows", "city offsets 36 to 40", "hub offsets 45 to 49")
			tailOf(t, r, 11, 50, "5 rows", "city offsets 11 to 15", "hub offsets 50 to 54")
			if table != "" {
				tailOf(t, r, 36, 45, "the table has 10 rows")
				if n := others(r, "that the hub has lost"); n != 10 {
					t.Errorf("%d rows of the table, %+v", n, r.Others)
				}
			}
			for _, c := range r.Coverage {
				if scope.From == nil && c.Proof == domain.ProofCityHub && (c.Rows != 85 || c.Verified != 30) ||
					c.Proof == domain.ProofHubDoris && (c.Verified != 30 && scope.From == nil || c.NotChecked == 0 || c.Pending > 0) {
					t.Errorf("%+v", c)
				}
			}
		}
		r := w.proved(reconcile.Scope{Sources: []domain.SourceID{"wuxi"}})
		if len(r.Findings) != 1 {
			t.Errorf("%+v", some(r))
		}
		tailOf(t, r, 11, 50)
		to := from
		verified(t, w.proved(reconcile.Scope{To: &to}), 60)
	}
}

// A Prover that saw the rows sees that they are gone, and only once it is sure; a hub that has
// them again is as it should be.
func TestTailGoesAndComesBack(t *testing.T) {
	w := newWorld(t)
	w.opened()
	w.moves(40)
	p := w.prover(reconcile.Scope{})
	verified(t, w.proves(p), 120)
	lost := w.logOf()
	w.cuts(map[int32]int64{0: 30})
	for i := range 3 {
		w.look(p)
		if n := len(p.Findings()); n > 0 {
			t.Fatalf("%d findings after %d looks", n, i+1)
		}
		if p.Through() != nil {
			t.Error("it says how far it came while rows cannot be read")
		}
	}
	w.look(p)
	tailOf(t, w.proves(p), 30, 30, "10 rows", "made anew between two looks")
	inTail := domain.Window{Proof: domain.ProofHubDoris}
	if state := p.States()[inTail]; state != domain.WindowUnverifiable {
		t.Errorf("the window of the tail is %s", state)
	}
	var back []*kgo.Record
	for _, r := range lost {
		if r.Partition == 0 && r.Offset >= 30 {
			back = append(back, &kgo.Record{Value: r.Value, Timestamp: r.Timestamp})
		}
	}
	w.puts(back...)
	r := w.proves(p)
	if len(r.Findings) != 1 { // it was so
		t.Errorf("%+v", some(r))
	}
	for id, state := range p.States() {
		if state != domain.WindowOpen {
			t.Errorf("%s is %s", id, state)
		}
	}
	verified(t, w.proved(), 120)
}

// Rows of a transaction that is open in the hub, and those behind it, wait. They are never lost.
func TestRowsWaitForTransaction(t *testing.T) {
	w := newWorld(t)
	w.opened()
	w.moves(10)
	other, err := kgo.NewClient(kgo.SeedBrokers(w.kafka.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID("other"), kgo.DefaultProduceTopic("hub"))
	must(t, err)
	defer other.Close()
	must(t, other.BeginTransaction())
	must(t, other.ProduceSync(t.Context(), &kgo.Record{Value: []byte("x")}).FirstErr())
	w.moves(20)
	p := w.prover(reconcile.Scope{})
	for range 6 {
		w.look(p)
		if p.Through() != nil {
			t.Error("it says how far it came while rows cannot be read")
		}
	}
	r := w.proves(p)
	if r.Verdict != domain.Verified || len(r.Findings) > 0 {
		t.Errorf("verdict %s: %s: %+v", r.Verdict, r.Why, some(r))
	}
	for _, c := range r.Coverage {
		if c.Proof != report.CityJournal && (c.Pending != 20 || c.Verified != 70 || c.Rows != 90) {
			t.Errorf("%+v", c)
		}
	}
	must(t, other.EndTransaction(t.Context(), kgo.TryAbort))
	verified(t, w.proves(p), 90)
	verified(t, w.proved(), 90)
}

// A hub that was cut and written again by others: what is at the places of rows is told, and what
// is behind the end is lost.
func TestCutAndWrittenAgain(t *testing.T) {
	w := newWorld(t)
	w.opened()
	w.moves(40)
	w.cuts(map[int32]int64{0: 30})
	w.puts(&kgo.Record{Value: []byte("nothing that anybody sent")}, &kgo.Record{Value: []byte("nor this")})
	r := w.proved()
	tailOf(t, r, 32, 32, "8 rows")
	for i := range r.Findings {
		f := &r.Findings[i]
		t.Log(f.Class, f.Where, f.CityOffset, f.HubOffset, f.Column, f.Detail)
		if f.CityOffset != 32 && (f.Class != domain.Altered || f.CityOffset < 30 || f.CityOffset > 31) {
			t.Errorf("%+v", f)
		}
	}
}

// A hub that was cut and written on by the pipeline: the journal has two rows at a place, of which
// the later one is there.
func TestCutAndCarriedOn(t *testing.T) {
	w := newWorld(t, func(c *domain.PipelineConfig) { c.Sources[1].Base = 0 })
	s := w.opened()
	w.moves(40)
	w.cuts(map[int32]int64{0: 30})
	w.ingests(s, w.run(s, "wuxi", 0, 5, 0))
	w.carries(s)
	r := w.proved()
	var lost []int64
	for i := range r.Findings {
		f := &r.Findings[i]
		switch {
		case f.Class == domain.Lost && f.Where == "hub":
			lost = append(lost, f.CityOffset)
		case f.Where != "journal":
			t.Errorf("%s in %s: %+v", f.Class, f.Where, f)
		}
	}
	if !slices.Equal(lost, []int64{30, 31, 32, 33, 34, 35, 0}) {
		t.Errorf("lost are %v: %+v", lost, some(r))
	}
	tailOf(t, r, 35, 35, "5 rows")
	tailOf(t, r, 0, 40, "40 rows")
}

// A window that was verified once is not when rows of it are gone with the tail.
func TestTailOfVerifiedWindow(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine and many rows: the plain run does this")
	}
	w := newWorld(t, func(c *domain.PipelineConfig) { c.Table = "" })
	s := w.opened()
	w.ingests(s, w.run(s, "nanjing", 0, domain.WindowSize+10, 0))
	w.carries(s)
	w.cuts(map[int32]int64{0: domain.WindowSize - 5})
	first := domain.Window{Proof: domain.ProofCityHub, Source: "nanjing", Generation: 1}
	p := w.prover(reconcile.Scope{})
	p.Resume(map[domain.Window]domain.WindowResult{first: {Window: first, State: domain.WindowVerified, Through: domain.WindowSize}})
	r := w.proves(p)
	if len(r.Findings) != 1 || p.States()[first] != domain.WindowDiverged {
		t.Errorf("the window is %s: %+v", p.States()[first], some(r))
	}
	tailOf(t, r, domain.WindowSize-5, domain.WindowSize-5, "15 rows")
}
