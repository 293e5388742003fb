package doris_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/doris"
)

const aside = database + ".aside"

// TestMoveShadow: the table stands under its new name, whatever fails on the way and however often
// it is asked for, and a statement that was sent before and comes late finds nothing to exchange.
func TestMoveShadow(t *testing.T) {
	id := domain.PlanID{7}
	for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
		for _, back := range []bool{false, true} {
			w, wire := changing(t, duplicate)
			must(t, doris.MakeShadow(w.ctx, w.cluster(), live, shadow, id))
			if back {
				must(t, doris.SwapTables(w.ctx, w.cluster(), live, shadow, id, false))
			}
			do := func() error { return doris.MoveShadow(w.ctx, w.cluster(), shadow, aside) }
			twiceDone(t, wire, " RENAME ", fault, do)
			must(t, do())
			late := "ALTER TABLE " + live + " REPLACE WITH TABLE " + tableName + "_shadow PROPERTIES('swap' = 'true')"
			if _, err := w.db.ExecContext(w.ctx, late); err == nil {
				t.Error("a statement that comes late exchanged tables")
			}
			is, err := doris.Swapped(w.ctx, w.cluster(), live, aside, id)
			if err != nil || is != back || w.comment(shadow) != "(not there)" {
				t.Errorf("in front %t, %v; %s is %s", is, err, shadow, w.comment(shadow))
			}
			must(t, doris.SwapTables(w.ctx, w.cluster(), live, aside, id, back)) // as under any name
			if is, err := doris.Swapped(w.ctx, w.cluster(), live, aside, id); err != nil || is == back {
				t.Errorf("not exchanged under its new name: %t, %v", is, err)
			}
			moves := 0
			for _, s := range wire.Changes() {
				if strings.Contains(s, " RENAME ") {
					moves++
				}
			}
			if want := map[journal.Fault]int{journal.FaultBefore: 2, journal.FaultAfter: 1}[fault]; moves != want {
				t.Errorf("moved by %v", wire.Changes())
			}
		}
	}
	w, _ := changing(t, duplicate)
	var refusal *projections.Refusal
	if err := doris.MoveShadow(w.ctx, w.cluster(), shadow, aside); !errors.As(err, &refusal) || !strings.Contains(err.Error(), "neither table "+shadow) {
		t.Errorf("a table that is not there: %v", err)
	}
	// Who may not move it does not know how the exchange ended, and says nothing of it.
	must(t, doris.MakeShadow(w.ctx, w.cluster(), live, shadow, id))
	w.exec("CREATE USER 'poor' IDENTIFIED BY ''")
	w.exec("GRANT SELECT_PRIV, LOAD_PRIV ON " + database + ".* TO 'poor'")
	w.cfg.Conn.User, w.cfg.Conn.PasswordFile = "poor", ""
	if err := doris.MoveShadow(w.ctx, w.cluster(), shadow, aside); err == nil || errors.As(err, &refusal) {
		t.Errorf("denied: %v", err)
	}
}

// TestMakeShadowAtOnce: two processes of the same replay make its table at the same time, and each
// loads into it as soon as it has it: there is one table, with the rows of both, and neither takes
// it for somebody else's.
func TestMakeShadowAtOnce(t *testing.T) {
	w, _ := changing(t, duplicate)
	for round := range 20 {
		id, table := domain.PlanID{3, byte(round)}, live+"_"+string(rune('a'+round))
		var both sync.WaitGroup
		ready := make(chan struct{})
		for process := range 2 {
			conn := w.cluster()
			both.Go(func() {
				<-ready
				var refusal *projections.Refusal
				for tries := 1; ; tries++ { // an error is no refusal: it is tried again, as a run does
					err := doris.MakeShadow(w.ctx, conn, live, table, id)
					if err == nil {
						break
					}
					if errors.As(err, &refusal) || tries == 10 {
						t.Errorf("round %d, process %d: %v", round, process, err)
						return
					}
				}
				_, err := w.db.ExecContext(w.ctx, "INSERT INTO "+table+" (hw_partition_id, hw_offset_id, sscsdm, extract_time, city_partition_id, city_offset_id, city_ts, hw_ts)"+
					" VALUES (1, ?, 'x', '2024-05-01 12:00:00', 0, 0, '2024-05-01 12:00:00', '2024-05-01 12:00:00')", process)
				if err != nil {
					t.Errorf("round %d, process %d: %v", round, process, err)
				}
			})
		}
		close(ready)
		both.Wait()
		var rows int
		must(t, w.db.QueryRowContext(w.ctx, "SELECT count(*) FROM "+table).Scan(&rows))
		if rows != 2 || w.comment(table) != doris.ShadowComment(id) {
			t.Fatalf("round %d: %d rows, comment %q", round, rows, w.comment(table))
		}
	}
}

// TestWaitsForExchange: a live leg that is opened while an exchange of its table has no outcome loads
// nothing until it has one; the leg of a replay does not wait.
func TestWaitsForExchange(t *testing.T) {
	w := newWorld(t, unique)
	swap := func(step domain.SwapStep) {
		t.Helper()
		_, err := w.control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) {
			return &domain.TableSwap{Plan: domain.PlanID{1}, Live: live, Shadow: shadow, Step: step}, nil
		})
		must(t, err)
	}
	at := w.feed(w.plain("nanjing", 0, 5))
	swap(domain.SwapBegun)
	w.becomes(w.plan(domain.ModeShadow, domain.Selection{}))
	d, _ := w.leg()
	l, err := d.Open(w.ctx)
	must(t, err)
	l.Close()
	w.becomes(nil)
	p := w.start()
	eventually(w, "word that it waits", func() (projections.Status, bool) {
		s := p.reporter.Status()
		return s, s.Waiting == "an exchange of the table with another has no outcome yet"
	})
	e, err := w.j.Tail(w.ctx, w.Stream())
	must(t, err)
	if _, is := e.Event.(*domain.Opened); !is || len(w.table()) > 0 {
		t.Errorf("while it waits the leg's last event is a %s, and the table has %d rows", e.Event.Kind(), len(w.table()))
	}
	swap(domain.SwapNot)
	p.until(at)
	p.stop()
	if s := p.reporter.Status(); s.Waiting != "" || len(w.table()) != 5 {
		t.Errorf("waits for %q, and the table has %d rows", s.Waiting, len(w.table()))
	}
}
