package report_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/report/reporttest"
)

// TestForeign has a checkpoint of the process that writes a stream, which another one reports on:
// it is verified with the key that stands beside it, and named as signed by another key.
func TestForeign(t *testing.T) {
	signer, other := reporttest.Key(t, 99)
	_, third := reporttest.Key(t, 98)
	for _, c := range []struct {
		name   string
		change func(e *reporttest.Example, s *report.Stream)
		says   string // empty: it verifies
	}{
		{"it holds", func(*reporttest.Example, *report.Stream) {}, ""},
		{"of no key", func(_ *reporttest.Example, s *report.Stream) { s.Earlier[1].Key = "" }, "signature"},
		{"of a third key", func(_ *reporttest.Example, s *report.Stream) { s.Earlier[1].Key = third }, "signature"},
		{"of what is no key", func(_ *reporttest.Example, s *report.Stream) { s.Earlier[1].Key = "x" }, "verifier key"},
		{"of the report's own key", func(e *reporttest.Example, s *report.Stream) {
			s.Earlier[1] = s.Earlier[0]
			s.Earlier[1].Key = e.Key
		}, "as another one"},
		{"of the report's key, and it names another", func(_ *reporttest.Example, s *report.Stream) {
			s.Earlier[1] = s.Earlier[0]
			s.Earlier[1].Key = other
		}, "signature"},
		{"of another history", func(e *reporttest.Example, s *report.Stream) {
			by := *e
			by.Signer = signer
			s.Earlier[1].Note = by.Note(e.Trees[s.Stream].Rewritten(7, 0), 290)
		}, "no continuation"},
		{"after the look", func(e *reporttest.Example, s *report.Stream) {
			by := *e
			by.Signer = signer
			s.After = by.Note(e.Trees[s.Stream], e.Trees[s.Stream].Size())
		}, "signature"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := reporttest.Clean(t)
			e.Seal()
			s := &e.Report.Journal.Streams[3]
			tree, by := e.Trees[s.Stream], *e
			by.Signer = signer
			s.Earlier = append(s.Earlier, report.Earlier{Note: by.Note(tree, 290), Proof: tree.Consistency(290, tree.Size()), Key: other})
			c.change(e, s)
			v, err := report.Verify(report.SignAsIs(e.Report, e.Signer, true), e.Key)
			if c.says != "" {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("want %q, got %v", c.says, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := v.Foreign(); !slices.Equal(got, []report.Foreign{{Stream: s.Stream, Seq: 290, Key: other}}) {
				t.Errorf("signed by another key: %+v", got)
			}
			var page bytes.Buffer
			if err := report.HTML(&page, v, "x.json"); err != nil || !strings.Contains(page.String(), "up to 290 also signed by another key") {
				t.Errorf("the page does not say so: %v", err)
			}
		})
	}
}
