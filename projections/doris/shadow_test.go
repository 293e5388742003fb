package doris_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/services/devstack/doris/sqlwire"
)

// changing is a world whose statements may fail.
func changing(t *testing.T, model string) (*world, *sqlwire.Wire) {
	t.Helper()
	w := newWorld(t, model)
	wire, err := sqlwire.Open(w.ctx, w.s.MySQLAddr())
	must(t, err)
	t.Cleanup(func() { must(t, wire.Close()) })
	w.cfg.Conn.MySQL = []string{wire.Addr()}
	return w, wire
}

func (w *world) text(q string) string {
	w.t.Helper()
	var name, text string
	must(w.t, w.db.QueryRowContext(w.ctx, q).Scan(&name, &text))
	return text
}

func (w *world) comment(table string) string {
	w.t.Helper()
	c, there, err := doris.TableComment(w.ctx, w.cluster(), table)
	must(w.t, err)
	if !there {
		return "(not there)"
	}
	return c
}

// twice does something that fails, and then again.
func twiceDone(t *testing.T, wire *sqlwire.Wire, word string, fault journal.Fault, do func() error) {
	t.Helper()
	wire.Arm(word, 1, fault)
	if err := do(); err == nil {
		t.Errorf("%s failed and nobody says so", word)
	}
	if wire.Met() == 0 {
		t.Fatalf("no statement has %s", word)
	}
	must(t, do())
}

const shadow = live + "_shadow"

// TestMakeShadow: a shadow table is made like the live one, whatever fails on the way.
func TestMakeShadow(t *testing.T) {
	id := domain.PlanID{1, 2, 3, 4}
	for _, word := range []string{" LIKE ", "MODIFY COMMENT"} {
		for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
			w, wire := changing(t, duplicate)
			w.insert(1, 1, "x", 0, 0)
			do := func() error { return doris.MakeShadow(w.ctx, w.cluster(), live, shadow, id) }
			twiceDone(t, wire, word, fault, do)
			must(t, do())
			w.isShadow(id)
			if got := len(wire.Changes()); got > 3 {
				t.Errorf("%d statements: %v", got, wire.Changes())
			}
		}
	}
}

// isShadow demands a shadow table like the live one, but for its comment and rows.
func (w *world) isShadow(id domain.PlanID) {
	w.t.Helper()
	want := strings.ReplaceAll(strings.ReplaceAll(w.text("SHOW CREATE TABLE "+live), tableName, tableName+"_shadow"), "COMMENT 'OLAP'", "COMMENT 'hefu replay "+id.String()+"'")
	if got := w.text("SHOW CREATE TABLE " + shadow); got != want {
		w.t.Errorf("shadow is %s\nwant %s", got, want)
	}
	if got := w.comment(shadow); got != doris.ShadowComment(id) {
		w.t.Errorf("comment is %q", got)
	}
	w.cfg.Table = tableName + "_shadow"
	w.holds(nil)
	w.cfg.Table = tableName
}

// TestMakeShadowRefuses: a table that is there and is not the replay's is left as it is.
func TestMakeShadowRefuses(t *testing.T) {
	other := domain.PlanID{9}
	for name, c := range map[string]struct{ make, says string }{
		"another plan's":   {"ALTER TABLE " + shadow + ` MODIFY COMMENT "` + doris.ShadowComment(other) + `"`, `has the comment "hefu replay 09000000"`},
		"with rows":        {"INSERT INTO " + shadow + " (hw_partition_id, hw_offset_id, sscsdm, extract_time, city_partition_id, city_offset_id, city_ts, hw_ts) VALUES (1, 1, 'x', '2024-05-01 12:00:00', 0, 0, '2024-05-01 12:00:00', '2024-05-01 12:00:00')", "has 1 rows"},
		"of other columns": {"ALTER TABLE " + shadow + " ADD COLUMN more INT", "is not made like " + live},
	} {
		t.Run(name, func(t *testing.T) {
			w, wire := changing(t, unique)
			w.exec("CREATE TABLE " + shadow + " LIKE " + live)
			w.exec(c.make)
			before := w.text("SHOW CREATE TABLE " + shadow)
			var refusal *projections.Refusal
			err := doris.MakeShadow(w.ctx, w.cluster(), live, shadow, domain.PlanID{1})
			if !errors.As(err, &refusal) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error: %v", err)
			}
			if err := doris.DropShadow(w.ctx, w.cluster(), shadow, domain.PlanID{1}); !errors.As(err, &refusal) {
				t.Errorf("dropped: %v", err)
			}
			if after := w.text("SHOW CREATE TABLE " + shadow); after != before || len(wire.Changes()) > 0 {
				t.Errorf("it was changed to %s by %v", after, wire.Changes())
			}
		})
	}
	w, _ := changing(t, unique)
	w.exec("CREATE USER 'poor' IDENTIFIED BY ''")
	w.exec("GRANT SELECT_PRIV, LOAD_PRIV ON " + database + ".* TO 'poor'")
	w.cfg.Conn.User, w.cfg.Conn.PasswordFile = "poor", ""
	var refusal *projections.Refusal
	err := doris.MakeShadow(w.ctx, w.cluster(), live, shadow, domain.PlanID{1})
	if !errors.As(err, &refusal) || !contains(err.Error(), "make table "+shadow, "CREATE command denied", "GRANT SELECT_PRIV, LOAD_PRIV, CREATE_PRIV, ALTER_PRIV, DROP_PRIV ON `ods`.*") {
		t.Errorf("error: %v", err)
	}
}

// TestDropShadow: dropped by its comment, once.
func TestDropShadow(t *testing.T) {
	id := domain.PlanID{5}
	for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
		w, wire := changing(t, unique)
		must(t, doris.MakeShadow(w.ctx, w.cluster(), live, shadow, id))
		do := func() error { return doris.DropShadow(w.ctx, w.cluster(), shadow, id) }
		twiceDone(t, wire, "DROP TABLE", fault, do)
		must(t, do())
		if got := w.comment(shadow); got != "(not there)" || w.comment(live) != "OLAP" {
			t.Errorf("shadow: %s", got)
		}
	}
}

// TestSwapTables: each table takes the other's name, comment and rows go with it, and whatever
// fails on the way it happens once; and back.
func TestSwapTables(t *testing.T) {
	id := domain.PlanID{7}
	for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
		w, wire := changing(t, duplicate)
		w.insert(1, 1, "old", 0, 0)
		must(t, doris.MakeShadow(w.ctx, w.cluster(), live, shadow, id))
		for i, back := range []bool{false, true} {
			do := func() error { return doris.SwapTables(w.ctx, w.cluster(), live, shadow, id, back) }
			twiceDone(t, wire, "REPLACE WITH TABLE", fault, do)
			must(t, do())
			front, err := doris.Swapped(w.ctx, w.cluster(), live, shadow, id)
			must(t, err)
			rows := len(w.table())
			if front == back || rows != i || (w.comment(live) == doris.ShadowComment(id)) == back {
				t.Errorf("back %t: in front %t, %d rows, comment %q", back, front, rows, w.comment(live))
			}
			if !back {
				var refusal *projections.Refusal
				if err := doris.DropShadow(w.ctx, w.cluster(), shadow, id); !errors.As(err, &refusal) {
					t.Errorf("the live table of before was dropped: %v", err)
				}
			}
		}
		swaps := slices.DeleteFunc(wire.Changes(), func(s string) bool { return !strings.Contains(s, "REPLACE") })
		if want := map[journal.Fault]int{journal.FaultBefore: 4, journal.FaultAfter: 2}[fault]; len(swaps) != want {
			t.Errorf("exchanged by %v", swaps)
		}
	}
	// Two databases are never exchanged; a table that is not there may have been, and moved since.
	w, _ := changing(t, duplicate)
	var refusal *projections.Refusal
	for other, refused := range map[string]bool{shadow: false, "elsewhere.t": true} {
		if err := doris.SwapTables(w.ctx, w.cluster(), live, other, id, false); err == nil || errors.As(err, &refusal) != refused {
			t.Errorf("%s: %v, want it refused: %t", other, err, refused)
		}
	}
}

// TestDeleteRows: exact keys go, and nothing else, whatever fails on the way; a key that names
// several rows keeps all of them there.
func TestDeleteRows(t *testing.T) {
	for _, model := range []string{unique, duplicate} {
		for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
			t.Run(fmt.Sprint(model, fault), func(t *testing.T) {
				w, wire := changing(t, model)
				w.opened()
				at := w.feed(w.plain("nanjing", 0, 700), w.plain("nanjing", 1, 3))
				p := w.start()
				p.until(at)
				p.stop()
				keys := []domain.RowKey{{Partition: 3, Offset: 1}, {Partition: 3, Offset: 1}, {Partition: 1, Offset: 10_000}}
				for o := range int64(600) {
					keys = append(keys, domain.RowKey{Partition: 1, Offset: o})
				}
				var got doris.Deletion
				twiceDone(t, wire, "DELETE FROM", fault, func() (err error) {
					got, err = doris.DeleteRows(w.ctx, w.cluster(), live, keys)
					return err
				})
				want := map[journal.Fault]doris.Deletion{journal.FaultBefore: {Rows: 601, Gone: 1}, journal.FaultAfter: {Rows: 101, Gone: 501}}[fault]
				if got != want {
					t.Errorf("then: %+v, want %+v", got, want)
				}
				got, err := doris.DeleteRows(w.ctx, w.cluster(), live, keys)
				if err != nil || got != (doris.Deletion{Gone: 602}) {
					t.Errorf("again: %+v, %v", got, err)
				}
				w.want = slices.DeleteFunc(w.want, func(row string) bool { return slices.Contains(keys, place(t, row)) })
				w.holds(w.want)
			})
		}
	}
	w, wire := changing(t, duplicate)
	w.insert(1, 1, "a", 0, 0)
	w.insert(1, 2, "b", 0, 0)
	w.insert(1, 2, "b", 0, 0)
	var refusal *projections.Refusal
	_, err := doris.DeleteRows(w.ctx, w.cluster(), live, []domain.RowKey{{Partition: 1, Offset: 1}, {Partition: 1, Offset: 2}})
	if !errors.As(err, &refusal) || !strings.Contains(err.Error(), "key (1, 2) names 2 rows") || len(wire.Changes()) > 0 || len(w.table()) != 3 {
		t.Errorf("error: %v, %v", err, wire.Changes())
	}
}
