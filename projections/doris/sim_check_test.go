package doris_test

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// check compares table and journal, exactly.
func (s *sim) check() {
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.InterpolateParams, c.DialFunc = "root", "tcp", simSQL, true, s.net.host().Dial
	connector, err := mysql.NewConnector(c)
	must(s.t, err)
	db := sql.OpenDB(connector)
	defer db.Close()
	events := s.history(domain.LegDoris)
	s.checkTable(db)
	s.checkLabels(db, events)
	s.checkBooks()
	for _, e := range events {
		switch ev := e.Event.(type) {
		case *domain.DorisCommitted:
			s.count("batches", 1)
			if ev.How == "rows of the table" {
				s.count("decided by rows", 1)
			}
		case *domain.DorisAborted:
			s.count("aborted", 1)
			if strings.Contains(ev.Why, "forgotten") {
				s.count("decided by rows", 1)
			}
		}
	}
}

func (s *sim) query(db *sql.DB, q string, each func(rows *sql.Rows) error) {
	rows, err := db.QueryContext(s.ctx, q)
	if err != nil {
		s.fail("%.60s: %v", q, err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			s.fail("%.60s: %v", q, err)
			return
		}
	}
	if err := rows.Err(); err != nil {
		s.fail("%.60s: %v", q, err)
	}
}

// checkTable demands every row of the journal exactly once, by all nine columns, and no
// other.
func (s *sim) checkTable(db *sql.DB) {
	got := map[string]int{}
	s.query(db, "SELECT hw_partition_id, hw_offset_id, sscsdm, extract_time, record, city_partition_id, city_offset_id, city_ts, hw_ts FROM "+
		database+"."+tableName, func(rows *sql.Rows) error {
		var hp, ho, cp, co int64
		var city, extract, cityTS, hubTS string
		var rec sql.NullString
		err := rows.Scan(&hp, &ho, &city, &extract, &rec, &cp, &co, &cityTS, &hubTS)
		text := "NULL"
		if rec.Valid {
			text = fmt.Sprintf("%q", rec.String)
		}
		got[fmt.Sprintf("%d/%07d %s %s %s %d/%d %s %s", hp, ho, city, extract, text, cp, co, cityTS, hubTS)]++
		return err
	})
	for _, row := range slices.Sorted(maps.Keys(s.want)) {
		switch n := got[row]; {
		case n == 0:
			s.fail("lost: %s", row)
			s.count("lost", 1)
		case n > 1 && (s.plan.semantic == domain.ExactlyOnce || s.plan.model == unique):
			s.fail("%d times: %s", n, row)
			s.count("doubled", n-1)
		}
		delete(got, row)
	}
	for _, row := range slices.Sorted(maps.Keys(got)) {
		s.fail("not of the journal: %s", row)
		s.count("altered", 1)
	}
}

// checkLabels compares what Doris still remembers with the journal: a load is visible
// if, and only if, its intent is committed.
func (s *sim) checkLabels(db *sql.DB, events []*journal.Entry) {
	intents, outcome := map[string]domain.Seq{}, map[domain.Seq]domain.Kind{}
	for _, e := range events {
		switch ev := e.Event.(type) {
		case *domain.DorisBegun:
			intents[domain.Label(e.Ref())] = e.Seq
		case *domain.DorisCommitted:
			outcome[ev.Begun.Seq] = ev.Kind()
		case *domain.DorisAborted:
			outcome[ev.Begun.Seq] = ev.Kind()
		}
	}
	s.query(db, "SHOW TRANSACTION FROM "+database+" WHERE label LIKE '%'", func(rows *sql.Rows) error {
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		cells := make([]sql.NullString, len(columns))
		at := make([]any, len(cells))
		for i := range cells {
			at[i] = &cells[i]
		}
		if err := rows.Scan(at...); err != nil {
			return err
		}
		label, state := cells[1].String, cells[3].String
		s.say("txn %s %s: %s %s", cells[0].String, label, state, cells[10].String)
		seq, known := intents[label]
		switch want := outcome[seq]; {
		case !known:
			s.fail("label %s is of no intent", label)
		case s.plan.semantic == domain.AtLeastOnce: // a load settled as aborted may have come to pass
		case (state == "VISIBLE") != (want == committed), state != "VISIBLE" && state != "ABORTED":
			s.fail("label %s is %s, the journal says %s", label, state, want)
		}
		return nil
	})
}

// checkBooks folds the three streams, and demands that exactly the rows are left out
// that the table cannot hold.
func (s *sim) checkBooks() {
	b := domain.Books{Direct: s.plan.direct}
	for _, leg := range []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris} {
		for _, e := range s.history(leg) {
			if err := b.Add(leg, e.Seq, e.Event); err != nil {
				s.fail("books: %v", err)
				return
			}
		}
	}
	if _, open := b.OpenIntents(); open != 0 || b.DorisIntents != b.DorisCommits+b.DorisAborts {
		s.fail("books: %d intents, %d commits, %d aborts, %d open", b.DorisIntents, b.DorisCommits, b.DorisAborts, open)
	}
	var rows int64
	for _, a := range b.Accounts() {
		rows += a.Doris
		if a.Hub != a.Doris+a.DorisExcluded {
			s.fail("books: %v: %d rows in the hub, %d in Doris, %d excluded", a.PartitionKey, a.Hub, a.Doris, a.DorisExcluded)
		}
	}
	if rows != int64(len(s.want)) {
		s.fail("books have %d rows in Doris, want %d", rows, len(s.want))
	}
	s.checkExcluded()
}

func (s *sim) checkExcluded() {
	begun, got := map[domain.Seq]*domain.DorisBegun{}, map[string]int{}
	for _, e := range s.history(domain.LegDoris) {
		switch ev := e.Event.(type) {
		case *domain.DorisBegun:
			begun[e.Seq] = ev
		case *domain.DorisCommitted:
			for _, x := range begun[ev.Begun.Seq].Excluded {
				if x.Reason == domain.ExcludedByDoris {
					s.count("found by probes", 1)
				}
				got[fmt.Sprintf("%d/%d/%d at %d: %s %x", x.Ingest, x.Run, x.Ordinal, x.Offset, x.Reason, x.Digest[:])]++
			}
		}
	}
	if !maps.Equal(got, s.exclude) {
		s.fail("excluded are %v, want %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(s.exclude)))
	}
	s.count("excluded", len(got))
}

// history is what a stream holds.
func (s *sim) history(leg domain.Leg) (out []*journal.Entry) {
	tail, err := s.j.Tail(s.ctx, s.streamOf(leg))
	must(s.t, err)
	for seq := domain.Seq(1); seq <= tail.Seq; seq++ {
		e, err := s.j.Get(s.ctx, s.streamOf(leg), seq)
		must(s.t, err)
		out = append(out, e)
	}
	return out
}

// report is all that a person needs to follow what went wrong.
func (s *sim) report() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("%s\n%s\n%s\nagain: go test ./projections/doris -run %s -schedules 1 -seed %d", s.plan,
		strings.Join(s.trace, "\n"), strings.Join(s.failures, "\n"), map[bool]string{false: "TestSim$", true: "TestSimDirect$"}[s.plan.direct], s.plan.seed)
}
