package explain_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/lineage"
	"github.com/hefu-io/hefu/services/explain"
)

func asError[E error](err error, target *E) bool { return errors.As(err, target) }

// Questions that cannot be asked, and those that several answers fit.
func TestBadQuestions(t *testing.T) {
	c := usual()
	c.Sources = append(c.Sources, domain.SourceConfig{ID: "nanjing2", City: "320100", Topic: "OTHER", Base: 1})
	s := newScroll(t, journal.NewMemory(), c)
	for want, q := range map[string]explain.Question{
		"ask for one thing":                              none(),
		"ask for one thing: --city":                      {City: "320100", Hub: "1:2"},
		"say which row of the city it is":                {City: "320100", Partition: -1, Offset: 3},
		"go with --city or --source":                     {Hub: "1:2", Offset: -1},
		`hub "1": want <partition>:<offset>`:             {Hub: "1", Partition: -1, Offset: -1},
		`hub "-1:2"`:                                     {Hub: "-1:2", Partition: -1, Offset: -1},
		"is none of Hefu's":                              {Label: "flink-1", Partition: -1, Offset: -1},
		"want an event of a hub or doris stream":         {Event: "bridge.0.ingest@4", Partition: -1, Offset: -1},
		"want an event of a hub or doris stream,":        {Event: "bridge.0.hub@0", Partition: -1, Offset: -1},
		"counted from 1":                                 {Txn: -4, Partition: -1, Offset: -1},
		"name one: --source nanjing, --source nanjing2":  at(100),
		"source suzhou is of city 320500, not of 320100": {City: "320100", Source: "suzhou"},
		"no pipeline elsewhere here":                     {City: "320100", Pipeline: "elsewhere"},
	} {
		_, _, err := explain.Explain(t.Context(), []explain.Pipeline{{Journal: s.open(t.Context())}}, &q)
		var bad *explain.AskError
		if !asError(err, &bad) || !strings.Contains(bad.Reason, want) {
			t.Errorf("%+v: %v, want %q", q, err, want)
		}
	}
}

// A place in the hub between, before and beyond the rows of this journal, and on a partition without
// any, among commits that have no rows of it.
func TestAskedByHub(t *testing.T) {
	s := stored(t)
	var events []domain.Ref
	for i := range int64(40) {
		events = append(events, s.ingested(rows("nanjing", 1, 0, 100+10*i, 110+10*i)))
	}
	for i, e := range events {
		run := domain.HubRun{Ingest: e.Seq, N: 10, Partition: 0, Offset: int64(500 + 11*i)}
		if i%7 != 3 {
			run.Partition = 2
		}
		s.carried(e, e, run)
	}
	for i := range int64(40) {
		hub := "2:"
		if i%7 == 3 {
			hub = "0:"
		}
		for _, in := range []int64{0, 9} {
			q := none()
			q.Hub = hub + itoa(500+11*i+in)
			if a := s.ask(q); !a.Found || a.Row == nil || a.Row.Offset != 100+10*i+in {
				t.Errorf("hub %s: %t %s %+v, want offset %d", q.Hub, a.Found, a.State, a.Row, 100+10*i+in)
			}
		}
	}
	for at, want := range map[string]string{
		"0:532":  "hub 0/532 lies before offset 533, where the rows of this journal begin in that partition",
		"0:9999": "hub 0/9999 lies beyond offset 927, the last one of that partition with a row of this journal",
		"2:510":  "hub 2/510 holds no row of this journal, which has rows at 509 and at 511",
		"1:5":    "hub partition 1 has no row of this journal",
		"4:5":    "topic ODS has no partition 4: it has 4",
	} {
		q := none()
		q.Hub = at
		if a := s.ask(q); a.Found || !strings.HasPrefix(a.State, want) {
			t.Errorf("hub %s: %t %q, want %q", at, a.Found, a.State, want)
		}
	}
}

// A load by its label, its transaction and any of its events; one that was aborted; a transaction of
// the hub; and what is not there.
func TestAskedByBatch(t *testing.T) {
	s := stored(t)
	usualLife(s)
	more := s.ingested(rows("nanjing", 1, 0, 123, 130))
	aborted := s.hubBegun(more, more)
	s.hubAborted(aborted, "time-out", domain.FoundBySelf)
	hub := domain.Ref{Stream: stream(domain.LegHub), Seq: 6}
	load := s.dorisBegun(hub, hub, nil)
	s.dorisAborted(load, "Doris says ABORTED")
	one := s.ask(of(func(q *explain.Question) { q.Txn = 1017 }))
	golden(t, "load", text(t, one))
	for _, q := range []explain.Question{
		of(func(q *explain.Question) { q.Label = one.Batch.Label }),
		of(func(q *explain.Question) { q.Event = "bridge.0.doris@3" }),
		of(func(q *explain.Question) { q.Event = "bridge.0.doris@4" }),
		of(func(q *explain.Question) { q.Event = "bridge.0.doris@5" }),
	} {
		if a := s.ask(q); text(t, a) != strings.Replace(text(t, one), one.Asked, a.Asked, 1) {
			t.Errorf("%s tells another story:\n%s", q.String(), text(t, a))
		}
	}
	golden(t, "hub-transaction", text(t, s.ask(of(func(q *explain.Question) { q.Event = "bridge.0.hub@6" }))))
	golden(t, "hub-aborted", text(t, s.ask(of(func(q *explain.Question) { q.Event = aborted.String() }))))
	golden(t, "load-aborted", text(t, s.ask(of(func(q *explain.Question) { q.Label = domain.Label(load) }))))

	foreign := load
	foreign.Hash[0]++
	beyond := load
	beyond.Seq = 99
	for want, q := range map[string]explain.Question{
		"no load with this transaction was prepared or committed": of(func(q *explain.Question) { q.Txn = 1018 }),
		"the label is of another journal":                         of(func(q *explain.Question) { q.Label = domain.Label(foreign) }),
		"stream bridge.0.doris goes up to 7":                      of(func(q *explain.Question) { q.Label = domain.Label(beyond) }),
		"the journal has no stream bridge.1.hub":                  of(func(q *explain.Question) { q.Event = "bridge.1.hub@3" }),
	} {
		if a := s.ask(q); a.Found || !strings.HasPrefix(a.State, want) {
			t.Errorf("%s: %t %q, want %q", q.String(), a.Found, a.State, want)
		}
	}
	q := of(func(q *explain.Question) { q.Event = "bridge.0.hub@2" })
	_, _, err := explain.Explain(t.Context(), []explain.Pipeline{{Journal: s.open(t.Context())}}, &q)
	if err == nil || err.Error() != "event bridge.0.hub@2 is Opened, of no transaction and no load" {
		t.Errorf("an event of no batch: %v", err)
	}
}

func of(set func(*explain.Question)) explain.Question {
	q := none()
	set(&q)
	return q
}

// A load of the weaker semantics has its transaction in its commit only, and Doris made anew counts
// from the beginning: both are found by reading on.
func TestTransactionsThatDoNotRise(t *testing.T) {
	s := stored(t)
	var hubs []domain.Ref
	for i := range int64(4) {
		in := s.ingested(rows("nanjing", 1, 0, 100+10*i, 110+10*i))
		hubs = append(hubs, s.carried(in, in, domain.HubRun{Ingest: in.Seq, N: 10, Offset: 500 + 10*i}))
	}
	for i, txn := range []int64{2000, 2001, 7, 8} {
		load := s.dorisBegun(hubs[i], hubs[i], nil)
		if i != 1 {
			s.prepared(load, txn, 10)
		}
		s.visible(load, hubs[i], txn, 10, domain.FoundBySelf)
	}
	for i, txn := range []int64{2000, 2001, 7, 8} {
		a := s.ask(of(func(q *explain.Question) { q.Txn = txn }))
		if !a.Found || a.Batch.Txn != txn || a.Batch.Ranges[0].First != int64(100+10*i) {
			t.Errorf("transaction %d: %t %s %+v", txn, a.Found, a.State, a.Batch)
		}
	}
}

// index is ClickHouse as a test wants it.
type index struct {
	rows []lineage.Row
	err  error
}

func (i index) Lookup(context.Context, domain.JournalID, lineage.Query) ([]lineage.Row, error) {
	return i.rows, i.err
}

// Whatever the lineage says, or not, the text is the same: also when it lies.
func TestSameTextFromLineage(t *testing.T) {
	for name, write := range map[string]func(*scroll){
		"usual": usualLife, "retried": retriedTransaction, "aborted load": abortedLoad, "restart": restart,
	} {
		s := stored(t)
		write(s)
		for _, q := range []explain.Question{at(105), of(func(q *explain.Question) { q.Hub = "0:505" })} {
			want := text(t, s.ask(q))
			right := lineage.Row{Source: "nanjing", Generation: 1, Ingest: 4}
			for hub := range domain.Seq(12) {
				right.Hub, right.Doris = hub, hub+1 // the right ones among them
				for what, ix := range map[string]index{
					"a row": {rows: []lineage.Row{right}}, "another source": {rows: []lineage.Row{{Source: "suzhou", Generation: 1, Ingest: 3}}},
					"nothing": {}, "an error": {err: errors.New("connection refused")},
					"a wrong event": {rows: []lineage.Row{{Source: "nanjing", Generation: 1, Ingest: hub, Hub: 99, Doris: 99}}},
				} {
					a, notes, err := explain.Explain(t.Context(), []explain.Pipeline{{Journal: s.open(t.Context()), Index: ix}}, &q)
					must(t, err)
					if got := text(t, a); got != want {
						t.Fatalf("%s, %s, lineage has %s (%d):\n%s\nwant\n%s", name, q.String(), what, hub, got, want)
					}
					if (len(ix.rows) == 0) != (len(notes) == 1) {
						t.Errorf("lineage has %s: notes %q", what, notes)
					}
				}
			}
		}
	}
}

// Of several pipelines one cannot be asked so, and another one has nothing of it: that is no answer, and
// one that has the row is.
func TestRefusedBesideAnAnswer(t *testing.T) {
	c := usual()
	c.Sources = append(c.Sources, domain.SourceConfig{ID: "nanjing2", City: "320100", Topic: "OTHER", Base: 1})
	several := newScroll(t, journal.NewMemory(), c)
	c = usual()
	c.Sources = c.Sources[1:]
	without := newScroll(t, journal.NewMemory(), c)
	has := stored(t)
	usualLife(has)
	asked := func(of ...*scroll) (*explain.Answer, error) {
		var list []explain.Pipeline
		for _, s := range of {
			list = append(list, explain.Pipeline{Journal: s.open(t.Context())})
		}
		q := at(105)
		a, _, err := explain.Explain(t.Context(), list, &q)
		return a, err
	}
	for _, order := range [][]*scroll{{several, without}, {without, several}} {
		var bad *explain.AskError
		if a, err := asked(order...); !asError(err, &bad) || !strings.Contains(bad.Reason, "name one: --source nanjing, --source nanjing2") {
			t.Errorf("%+v, %v", a, err)
		}
	}
	if a, err := asked(several, without, has); err != nil || !a.Found {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err := asked(without, without); err != nil || a.State != "no source of city 320100 was ever configured" {
		t.Errorf("%+v, %v", a, err)
	}
}
