package doris_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
)

func (w *world) exec(q string) {
	w.t.Helper()
	if _, err := w.db.ExecContext(w.ctx, q); err != nil {
		w.t.Fatalf("%.80s: %v", q, err)
	}
}

// table is every row of the table.
func (w *world) table() (out []string) {
	w.t.Helper()
	rows, err := w.db.QueryContext(w.ctx, "SELECT hw_partition_id, hw_offset_id, sscsdm, extract_time, record, city_partition_id,"+
		" city_offset_id, city_ts, hw_ts FROM "+database+"."+w.cfg.Table)
	must(w.t, err)
	defer rows.Close()
	for rows.Next() {
		var hp, ho int64
		var city, extract, rec, cp, co, cityTS sql.NullString
		var hubTS string
		must(w.t, rows.Scan(&hp, &ho, &city, &extract, &rec, &cp, &co, &cityTS, &hubTS))
		if rec.Valid {
			rec.String = fmt.Sprintf("%q", rec.String)
		}
		out = append(out, fmt.Sprintf("%d/%07d %s %s %s %s/%s %s %s", hp, ho, orNull(city, "NULL"), orNull(extract, "NULL -"), orNull(rec, "NULL"),
			orNull(cp, "NULL"), orNull(co, "NULL"), orNull(cityTS, "NULL -"), hubTS))
	}
	must(w.t, rows.Err())
	return out
}

func orNull(v sql.NullString, null string) string {
	switch {
	case !v.Valid:
		return null
	case v.String == "":
		return `""` // an empty city
	default:
		return v.String
	}
}

// Tally implements projectiontest.World: the table holds every row exactly once, and
// the journal adds up.
func (w *world) Tally() {
	w.t.Helper()
	got, want := w.table(), slices.Clone(w.want)
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		w.t.Errorf("table: %s", d)
	}
	if w.cfg.Replay == nil {
		w.addsUp()
	}
	w.keepsSecrets()
}

// addsUp folds the three streams into books.
func (w *world) addsUp() {
	w.t.Helper()
	b := domain.Books{Direct: w.cfg.Pipeline.Direct}
	for _, leg := range []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris} {
		for _, e := range w.history(leg) {
			must(w.t, b.Add(leg, e.Seq, e.Event))
		}
	}
	if _, open := b.OpenIntents(); open != 0 || b.DorisIntents != b.DorisCommits+b.DorisAborts {
		w.t.Errorf("%d intents, %d commits, %d aborts, %d open", b.DorisIntents, b.DorisCommits, b.DorisAborts, open)
	}
	var rows int64
	for _, a := range b.Accounts() {
		rows += a.Doris
		if a.Hub != a.Doris+a.DorisExcluded {
			w.t.Errorf("%v: %d rows in the hub, %d in Doris, %d excluded", a.PartitionKey, a.Hub, a.Doris, a.DorisExcluded)
		}
	}
	if rows != int64(len(w.want)) {
		w.t.Errorf("books have %d rows in Doris, want %d", rows, len(w.want))
	}
}

// logged is the log of all processes.
func (w *world) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

// keepsSecrets looks for the password in whatever was logged or journaled.
func (w *world) keepsSecrets() {
	w.t.Helper()
	text := w.logged()
	for _, e := range w.history(w.Stream().Leg) {
		text += fmt.Sprintf("%+v\n", e.Event)
	}
	for _, secret := range []string{"s3cret", user + ":", "//" + user} {
		if i := strings.Index(text, secret); i >= 0 {
			w.t.Errorf("%q is told: %.300s", secret, text[max(0, i-100):])
		}
	}
}

// kinds is the doris stream in short, without Genesis, Opened and Rolled.
func (w *world) kinds() (out []domain.Kind) {
	w.t.Helper()
	for _, e := range w.history(w.Stream().Leg) {
		switch k := e.Event.Kind(); k {
		case domain.KindGenesis, domain.KindOpened, domain.KindRolled:
		default:
			out = append(out, k)
		}
	}
	return out
}

// events are those of one type in the doris stream.
func events[E domain.Event](w *world) (out []E) {
	w.t.Helper()
	for _, e := range w.history(w.Stream().Leg) {
		if ev, ok := e.Event.(E); ok {
			out = append(out, ev)
		}
	}
	return out
}

// Stream implements projectiontest.World.
func (w *world) Stream() domain.Stream {
	if w.cfg.Replay != nil {
		return w.cfg.Replay.Stream()
	}
	return w.streamOf(domain.LegDoris)
}

// Incidents implements projectiontest.World.
func (w *world) Incidents() projections.Incidents { return projections.Incidents{Control: w.control} }

// Process implements projectiontest.World.
func (w *world) Process() projections.Opener { d, _ := w.leg(); return d }

// Feed implements projectiontest.World.
func (w *world) Feed() domain.Cursor {
	if w.cfg.Pipeline.Direct {
		return w.feedHub(hubRecords(w, 1, 3), hubRecords(w, 3, 2))
	}
	return w.feed(w.plain("nanjing", 0, 3), w.plain("wuxi", 1, 2))
}

// Carried implements projectiontest.World.
func (w *world) Carried(ctx context.Context, at domain.Cursor) error {
	r, err := w.j.ReadFrom(ctx, w.Stream(), 1)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		e, err := r.Next(ctx)
		if err != nil {
			return err
		}
		if c, ok := e.Event.(*domain.DorisCommitted); ok && c.Cursor.Seq >= at.Seq {
			return nil
		}
	}
}

// Sites implements projectiontest.World.
func (w *world) Sites() []string { return []string{"load", "commit"} }

// Fail implements projectiontest.World.
func (w *world) Fail(site string, fault journal.Fault) {
	w.wire.arm(site, map[journal.Fault]fate{journal.FaultBefore: lost, journal.FaultAfter: unheard}[fault])
}

// Pause implements projectiontest.World.
func (w *world) Pause(site string) (arrived <-chan struct{}, release func()) {
	p := w.wire.pause(site)
	return p.arrived, func() { close(p.release) }
}
