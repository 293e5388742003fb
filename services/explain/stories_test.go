package explain_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/embedded"
	"github.com/hefu-io/hefu/services/explain"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a text with testdata/NAME.golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		must(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

func text(t *testing.T, a *explain.Answer) string {
	t.Helper()
	var b bytes.Buffer
	must(t, a.Text(&b))
	return b.String()
}

// usualLife: fetched, committed, loaded, at the first go, beside rows of another city.
func usualLife(s *scroll) {
	first := s.ingested(rows("nanjing", 1, 0, 100, 110))
	withMarkers := rows("nanjing", 1, 0, 110, 120)
	withMarkers.Next = 123
	withMarkers.Gaps = []domain.Gap{
		{Span: domain.Span{First: 120, Next: 121}, Reason: domain.ReasonCommitMarker},
		{Span: domain.Span{First: 121, Next: 123}, Reason: domain.ReasonAborted},
	}
	second := s.ingested(withMarkers)
	one := s.carried(first, first, domain.HubRun{Ingest: first.Seq, N: 10, Partition: 0, Offset: 500})
	two := s.carried(second, second, domain.HubRun{Ingest: second.Seq, N: 10, Partition: 0, Offset: 511})
	load := s.dorisBegun(one, two, nil)
	s.prepared(load, 1017, 20)
	s.visible(load, two, 1017, 20, domain.FoundBySelf)
}

func TestUsualLife(t *testing.T) {
	s := stored(t)
	usualLife(s)
	a := s.ask(at(119))
	if !a.Found || a.Hub.Offset != 520 || a.Doris.Txn != 1017 || a.Row.After == nil || a.Row.Before != nil {
		t.Errorf("%+v", a)
	}
	golden(t, "usual", text(t, a))
	if b := s.ask(explain.Question{Partition: -1, Offset: -1, Hub: "0:520"}); text(t, b) != strings.Replace(text(t, a), a.Asked, b.Asked, 1) {
		t.Errorf("asked by its place in the hub:\n%s", text(t, b))
	}
}

// retriedTransaction: a transaction of both events fails, so does one of half of them, and then each
// event goes alone.
func retriedTransaction(s *scroll) {
	first := s.ingested(rows("nanjing", 1, 0, 100, 110))
	second := s.ingested(rows("nanjing", 1, 0, 110, 120))
	s.hubAborted(s.hubBegun(first, second), "end transaction: INVALID_PRODUCER_EPOCH:\n the epoch is old", domain.FoundBySelf)
	s.hubAborted(s.hubBegun(first, first), "produce to ODS/0: MESSAGE_TOO_LARGE", domain.FoundBySelf)
	one := s.carried(first, first, domain.HubRun{Ingest: first.Seq, N: 10, Partition: 0, Offset: 500})
	two := s.carried(second, second, domain.HubRun{Ingest: second.Seq, N: 10, Partition: 0, Offset: 511})
	load := s.dorisBegun(one, two, nil)
	s.prepared(load, 1017, 20)
	s.visible(load, two, 1017, 20, domain.FoundBySelf)
}

// The big transaction that failed covered the row, though commits that did not come so far stand
// between it and the one that carried it.
func TestRetriedTransaction(t *testing.T) {
	s := stored(t)
	retriedTransaction(s)
	a := s.ask(at(115))
	golden(t, "retried", text(t, a))
	if got := kinds(a); got != "Started SourceOpened Ingested HubBegun HubAborted HubBegun HubCommitted DorisBegun DorisPrepared DorisCommitted" {
		t.Errorf("the second event: %s", got)
	}
	if got := kinds(s.ask(at(105))); got != "Started SourceOpened Ingested HubBegun HubAborted HubBegun HubAborted HubBegun HubCommitted DorisBegun DorisPrepared DorisCommitted" {
		t.Errorf("the first event: %s", got)
	}
}

func kinds(a *explain.Answer) string {
	var out []string
	for _, l := range a.Lines {
		out = append(out, l.Kind)
	}
	return strings.Join(out, " ")
}

// abortedLoad: Doris refuses the load for its rows, two probes look for them, and the next load leaves
// one out.
func abortedLoad(s *scroll) {
	first := s.ingested(rows("nanjing", 1, 0, 100, 110))
	one := s.carried(first, first, domain.HubRun{Ingest: first.Seq, N: 10, Partition: 0, Offset: 500})
	s.dorisAborted(s.dorisBegun(one, one, nil), "Doris says UNKNOWN and answered BadRows: too many filtered rows")
	s.dorisAborted(s.dorisBegun(one, one, &domain.DorisProbe{First: 0, Next: 10}), "looked for rows that Doris refuses: 1 of 10")
	load := s.dorisBegun(one, one, nil, domain.Exclusion{
		Ingest: first.Seq, Ordinal: 7, Count: 1, Offset: 107, Reason: domain.ExcludedByDoris, Detail: "Reason: column(city_ts) value is\tincorrect",
	})
	s.prepared(load, 1020, 9)
	s.visible(load, one, 1020, 9, domain.FoundBySelf)
}

func TestAbortedLoad(t *testing.T) {
	s := stored(t)
	abortedLoad(s)
	golden(t, "aborted-load", text(t, s.ask(at(105))))
	a := s.ask(at(107))
	golden(t, "excluded-by-doris", text(t, a))
	if a.Found || a.Doris != nil || a.Hub == nil {
		t.Errorf("%+v", a)
	}
}

// restart: the process dies between fetch and transaction, the next one between transaction and its
// outcome, the third finds out what became of it, and of a load that was prepared.
func restart(s *scroll) {
	first := s.ingested(rows("nanjing", 1, 0, 100, 110))
	s.process("host-1", domain.LegIngest, domain.LegHub, domain.LegDoris)
	begun := s.hubBegun(first, first)
	when := s.now
	s.process("host-2", domain.LegIngest, domain.LegHub, domain.LegDoris)
	one := s.hubCommitted(begun, first, when, []domain.HubRun{{Ingest: first.Seq, N: 10, Partition: 0, Offset: 500}})
	load := s.dorisBegun(one, one, nil)
	s.prepared(load, 1017, 10)
	s.process("host-1", domain.LegIngest, domain.LegHub, domain.LegDoris)
	s.visible(load, one, 1017, 10, domain.FoundByNextOwner)
	s.process("host-3", domain.LegIngest, domain.LegHub, domain.LegDoris) // none of its business
}

func TestRestart(t *testing.T) {
	s := stored(t)
	restart(s)
	a := s.ask(at(105))
	golden(t, "restart", text(t, a))
	if strings.Contains(text(t, a), "host-3") {
		t.Error("a process that began after the row was loaded is part of its life")
	}
}

// The same events in the embedded store tell the same story.
func TestEmbeddedStore(t *testing.T) {
	e, err := embedded.Open(t.Context(), t.TempDir())
	must(t, err)
	defer func() { must(t, e.Close()) }()
	s := newScroll(t, e.Store(), usual())
	s.process("host-1", domain.LegIngest, domain.LegHub, domain.LegDoris)
	s.source("nanjing", 1, 0, 90, 100)
	restart(s)
	golden(t, "restart", text(t, s.ask(at(105))))
}

// The JSON has what the text has.
func TestJSON(t *testing.T) {
	s := stored(t)
	retriedTransaction(s)
	a := s.ask(at(115))
	b, err := json.MarshalIndent(a, "", "  ")
	must(t, err)
	golden(t, "retried.json", string(b)+"\n")
	var back explain.Answer
	must(t, json.Unmarshal(b, &back))
	if text(t, &back) != text(t, a) {
		t.Error("the text of the JSON is another one")
	}
}
