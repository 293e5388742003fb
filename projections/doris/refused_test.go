package doris_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	standin "github.com/hefu-io/hefu/services/devstack/doris"
)

// distasteful rows have this in their record.
const distasteful = "not-this-one"

// spoilt are n rows of a source partition of which some are distasteful, and so must not
// be in the table.
func (w *world) spoilt(source domain.SourceID, partition int32, n int, bad ...int64) part {
	p := w.plain(source, partition, n)
	w.lose = map[int64]bool{}
	for _, i := range bad {
		p.records[i].value = fmt.Appendf(nil, "%s %d", distasteful, i)
		w.lose[i] = true
	}
	return p
}

// feedSpoilt feeds one part alone.
func (w *world) feedSpoilt(p part) domain.Cursor {
	defer func() { w.lose = nil }()
	return w.feed(p)
}

func whole(line string) string { return line }

func refusesDistasteful(line string) bool { return strings.Contains(line, distasteful) }

// searched is what the doris stream holds after n probes.
func searched(n int) []domain.Kind {
	kinds := []domain.Kind{begun, aborted}
	for range n {
		kinds = append(kinds, begun, aborted)
	}
	return append(kinds, begun, prepared, committed)
}

// TestRefusedRows: rows that Doris refuses are found, by its log or by its counts, and
// left out by the load that carries the rest.
func TestRefusedRows(t *testing.T) {
	for name, c := range map[string]struct {
		r      *refuser
		probes int
		says   string
	}{
		"named":          {&refuser{quote: whole, keeps: 50}, 1, "Reason: not to its taste, 2. src line [{"},
		"log is cut":     {&refuser{quote: whole, keeps: 1}, 4, "Reason: not to its taste, 1. src line [{"},
		"log has no row": {&refuser{keeps: 50}, 10, "Reason: not to its taste, 1. src line [];"},
		"no log":         {&refuser{}, 10, "Doris gives no reason"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, duplicate)
			w.opened()
			r := w.refusing(c.r)
			r.refuses = refusesDistasteful
			bad := w.spoilt("nanjing", 1, 40, 3, 17)
			at := w.feedSpoilt(bad)
			p := w.start()
			p.until(at)
			if s := p.told(at); s.Excluded != 2 || s.Rows != 38 || s.Waiting != "" || s.Opens != 1 {
				t.Errorf("status: %+v", s)
			}
			p.until(w.Feed())
			p.stop()
			w.Tally()
			want := searched(c.probes)
			if got := w.kinds(); !slices.Equal(got[:min(len(got), len(want))], want) || r.probes != c.probes {
				t.Errorf("%d probes; stream holds %v, want %v", r.probes, got, want)
			}
			w.excludes(bad, c.says, 3, 17)
			w.probesSay()
		})
	}
}

// excludes checks the intent that committed the batch.
func (w *world) excludes(bad part, says string, ordinals ...int64) {
	w.t.Helper()
	var got []domain.Exclusion
	for _, ev := range events[*domain.DorisBegun](w) {
		if len(ev.Excluded) > 0 {
			got = ev.Excluded
			if ev.Probe != nil {
				w.t.Errorf("a probe excludes: %+v", ev)
			}
		}
	}
	if len(got) != len(ordinals) {
		w.t.Fatalf("excluded: %+v", got)
	}
	told := false
	for i, x := range got {
		told = told || strings.HasPrefix(x.Detail, says)
		o := ordinals[i]
		if x.Reason != domain.ExcludedByDoris || x.Ordinal != o || x.Count != 1 || x.Offset != o || x.Digest != sha256.Sum256(bad.records[o].value) || len(x.Detail) > 1024 {
			w.t.Errorf("excluded row %d: %+v", o, x)
		}
	}
	if !told {
		w.t.Errorf("no exclusion quotes %q: %+v", says, got)
	}
}

// probesSay checks what aborted probes leave behind: their intents, and why.
func (w *world) probesSay() {
	w.t.Helper()
	probes := map[domain.Ref]*domain.DorisBegun{}
	for _, e := range w.history(domain.LegDoris) {
		switch ev := e.Event.(type) {
		case *domain.DorisBegun:
			if ev.Probe != nil {
				probes[e.Ref()] = ev
			}
		case *domain.DorisAborted:
			b := probes[ev.Begun]
			if b == nil {
				continue
			}
			if of := fmt.Sprintf(" of %d", b.Probe.Next-b.Probe.First); !strings.HasPrefix(ev.Why, "looked for rows that Doris refuses: ") || !strings.HasSuffix(ev.Why, of) {
				w.t.Errorf("probe %+v is aborted for %q", b.Probe, ev.Why)
			}
			if got := w.state(domain.Label(ev.Begun)); got != "ABORTED" {
				w.t.Errorf("a probe is %s at Doris", got)
			}
		}
	}
}

// TestRefusedSemantics: rows are looked for whatever a load promises, by probes that Doris
// does not commit.
func TestRefusedSemantics(t *testing.T) {
	for _, semantic := range []domain.Semantic{domain.AtLeastOnce, domain.None} {
		t.Run(string(semantic), func(t *testing.T) {
			w := newWorld(t, duplicate)
			w.opened()
			w.cfg.Semantic = semantic
			w.refusing(&refuser{refuses: refusesDistasteful})
			bad := w.spoilt("nanjing", 1, 8, 3)
			p := w.start()
			p.until(w.feedSpoilt(bad))
			p.until(w.Feed())
			p.stop()
			w.Tally()
			w.excludes(bad, "Doris gives no reason", 3)
			w.probesSay()
		})
	}
}

// TestRefusedForged: a line of the error log that shows a row as it is not names none: a
// city may not have the row of another one left out.
func TestRefusedForged(t *testing.T) {
	w := newWorld(t, duplicate)
	w.opened()
	r := w.refusing(&refuser{refuses: refusesDistasteful, keeps: 50, quote: func(line string) string {
		return strings.Replace(line, `"hw_offset_id":3,`, `"hw_offset_id":4,`, 1)
	}})
	bad := w.spoilt("nanjing", 1, 8, 3)
	p := w.start()
	p.until(w.feedSpoilt(bad))
	p.stop()
	w.Tally()
	w.excludes(bad, "Reason: ", 3)
	if r.probes < 3 {
		t.Errorf("%d probes: the log was believed", r.probes)
	}
}

// TestRefusedByTheTable: the stand-in itself refuses, since the table was made anew while
// the leg was open: NULL is refused by its reader, which quotes the row, and what is too
// long by its sink, which does not.
func TestRefusedByTheTable(t *testing.T) {
	w := newWorld(t, duplicate)
	w.opened()
	p := w.start()
	p.reaches(projections.StateRunning)
	w.exec("DROP TABLE " + database + "." + tableName)
	w.exec(strings.Replace(ddl(duplicate), "record STRING NULL", "record VARCHAR(100) NOT NULL", 1))
	bad := w.plain("nanjing", 1, 9)
	bad.records[2].value = nil
	bad.records[6].value = []byte(strings.Repeat("x", 101))
	w.lose = map[int64]bool{2: true, 6: true}
	p.until(w.feedSpoilt(bad))
	p.until(w.Feed())
	p.stop()
	w.Tally()
	w.excludes(bad, "Reason: ", 2, 6)
	w.probesSay()
}

// TestRefusedAll: a batch of which nothing is left is done without a load.
func TestRefusedAll(t *testing.T) {
	w := newWorld(t, duplicate)
	w.opened()
	w.refusing(&refuser{refuses: refusesDistasteful})
	p := w.start()
	p.until(w.feedSpoilt(w.spoilt("nanjing", 0, 3, 0, 1, 2)))
	p.until(w.Feed())
	p.stop()
	w.Tally()
	if got, want := w.kinds()[:6], []domain.Kind{begun, aborted, begun, aborted, begun, committed}; !slices.Equal(got, want) {
		t.Errorf("stream holds %v, want %v", got, want)
	}
}

// TestRefusedBesideMisfits: rows that the table cannot hold, which its columns foretell,
// and rows that it refuses, in one batch.
func TestRefusedBesideMisfits(t *testing.T) {
	w := newWorld(t, duplicate)
	w.opened()
	w.refusing(&refuser{refuses: refusesDistasteful, quote: whole, keeps: 50})
	bad := w.spoilt("wuxi", 1, 9, 1, 8)
	bad.records[0].ts, bad.records[5].ts = unbearable, unbearable
	p := w.start()
	p.until(w.feedSpoilt(bad))
	p.until(w.Feed())
	p.stop()
	w.Tally()
	var got []string
	for _, ev := range events[*domain.DorisBegun](w) {
		for _, x := range ev.Excluded {
			if ev.Probe == nil && len(ev.Excluded) == 4 {
				got = append(got, fmt.Sprint(x.Ordinal, " ", x.Reason))
			}
		}
	}
	want := []string{"0 " + domain.ExcludedTimestamp, "1 " + domain.ExcludedByDoris, "5 " + domain.ExcludedTimestamp, "8 " + domain.ExcludedByDoris}
	if !slices.Equal(got, want) {
		t.Errorf("excluded %v, want %v", got, want)
	}
}

// TestRefusedFaults: a probe fails in each way; the batch begins anew.
func TestRefusedFaults(t *testing.T) {
	for _, c := range []struct {
		site string
		fate fate
	}{{"load", lost}, {"load", unheard}, {"load", denied}, {"abort", lost}, {"abort", unheard}} {
		t.Run(fmt.Sprint(c.site, c.fate), func(t *testing.T) {
			w := newWorld(t, duplicate)
			w.opened()
			r := w.refusing(&refuser{refuses: refusesDistasteful, quote: whole, keeps: 50})
			at := w.feedSpoilt(w.spoilt("nanjing", 1, 40, 3, 17))
			// The load that is refused never comes to the wire: the first one is the probe.
			w.wire.arm(c.site, c.fate)
			p := w.start()
			p.until(at)
			p.stop()
			if !w.wire.used(c.site) || r.probes == 0 {
				t.Error("the fault never came")
			}
			w.Tally()
		})
	}
}

// TestRefusedDies: the process dies before and after each append of a search, and another
// one begins it anew.
func TestRefusedDies(t *testing.T) {
	for name, fault := range map[string]journal.Fault{"before": journal.FaultBefore, "after": journal.FaultAfter} {
		for i := range 9 {
			t.Run(fmt.Sprint(name, i), func(t *testing.T) {
				w := newWorld(t, duplicate)
				w.opened()
				w.refusing(&refuser{refuses: refusesDistasteful, quote: whole, keeps: 1})
				ctx, die := context.WithCancel(w.ctx)
				defer die()
				left := i
				var at func(kind domain.Kind) func() journal.Fault
				at = func(kind domain.Kind) func() journal.Fault {
					return func() journal.Fault {
						if left--; left < 0 {
							die()
							return fault
						}
						w.atPut(kind, at(kind))
						return journal.FaultNone
					}
				}
				w.atPut(begun, at(begun))
				w.atPut(aborted, at(aborted))
				end := w.feedSpoilt(w.spoilt("nanjing", 1, 40, 3, 17))
				w.diesOn(ctx)
				w.recovers(end)
				w.Tally()
			})
		}
	}
}

// TestTooManyVersions: Doris has too much to do: the loads of the table come more slowly,
// and the status says why nothing moves.
func TestTooManyVersions(t *testing.T) {
	w := newWorld(t, unique)
	w.opened()
	// Until it was seen: a single failure is over after a second.
	w.s.Faults().Arm(standin.FailLoad, standin.Arming{Text: "[E-235]tablet error, version count: 4003, exceed limit: 4000"})
	p := w.start()
	at := w.Feed()
	s := eventually(w, "being told to wait", func() (projections.Status, bool) {
		s := p.reporter.Status()
		return s, s.Waiting != ""
	})
	w.s.Faults().Disarm(standin.FailLoad)
	if !contains(s.Waiting, "one load in ", "too much to do") {
		t.Errorf("waiting: %s", s.Waiting)
	}
	p.until(at)
	p.stop()
	w.Tally()
	if s := p.reporter.Status(); s.Waiting != "" {
		t.Errorf("waiting: %s", s.Waiting)
	}
}

// TestFramings: rows arrive as they are in each framing, and the headers that go with it
// are sent.
func TestFramings(t *testing.T) {
	for name, properties := range map[string]map[string]string{
		"the original's pair": {"format": "json", "read_json_by_line": "true", "strip_outer_array": "true", "two_phase_commit": "true"},
		"compressed":          {"compress_type": "gz"},
		"both":                {"Strip_Outer_Array": "true", "compress_type": "gz", "send_batch_parallelism": "2"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, duplicate)
			w.opened()
			w.cfg.Properties = properties
			p := w.start()
			p.until(w.feed(w.plain("nanjing", 0, 700), part{source: "wuxi", partition: 1, records: []record{
				{nil, cityTime}, {[]byte{}, cityTime}, {[]byte("]\n[{\"a\":1}]"), cityTime}, {[]byte("bad \xff 😀"), cityTime},
			}}))
			p.stop()
			w.Tally()
			if s := p.reporter.Status(); s.Opens != 1 {
				t.Errorf("opened %d times: %s", s.Opens, s.Error)
			}
		})
	}
}
