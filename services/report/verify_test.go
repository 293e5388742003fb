package report_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/report/reporttest"
)

// TestKeys verifies with several keys, one of which signed, and with a wrong one.
func TestKeys(t *testing.T) {
	e := reporttest.Clean(t)
	_, other := reporttest.Key(t, 99)
	file := e.Seal()
	if v, err := report.Verify(file, other, e.Key+"\n"); err != nil || !v.Vouched || strings.TrimSpace(v.Key) != e.Key {
		t.Errorf("%v %v", v, err)
	}
	var refused *report.Refused
	if _, err := report.Verify(file, other); !errors.As(err, &refused) || !strings.Contains(err.Error(), "none of the keys") {
		t.Errorf("with another key: %v", err)
	}
	if _, err := report.Verify(file, "no key"); !errors.As(err, &refused) {
		t.Errorf("with no key: %v", err)
	}
}

// TestAnotherVersion is no forgery when its signature is good, and nothing when it is not.
func TestAnotherVersion(t *testing.T) {
	e := reporttest.Clean(t)
	e.Seal()
	file := report.SignAsVersion(e.Report, e.Signer, 7)
	var version *report.VersionError
	if _, err := report.Verify(file, e.Key); !errors.As(err, &version) || version.Version != 7 {
		t.Errorf("want to hear of version 7, got %v", err)
	}
	_, other := reporttest.Key(t, 99)
	var refused *report.Refused
	if _, err := report.Verify(file, other); !errors.As(err, &refused) {
		t.Errorf("signed by nobody known: %v", err)
	}
}

// TestSealRefuses gives nobody a report that does not add up, or whose key is not its signer's.
func TestSealRefuses(t *testing.T) {
	var refused *report.Refused
	e := reporttest.Clean(t)
	e.Report.Sources[0].Rows++
	if _, err := report.Seal(e.Report, e.Signer); !errors.As(err, &refused) || refused.Problems[0].Part != report.PartSums {
		t.Errorf("wrong sums: %v", err)
	}
	e = reporttest.Clean(t)
	signer, _ := reporttest.Key(t, 99)
	if _, err := report.Seal(e.Report, signer); !errors.As(err, &refused) || refused.Problems[0].Part != report.PartSignature {
		t.Errorf("another key: %v", err)
	}
}

// TestSealTimes has rows from before and after all times that JSON can say.
func TestSealTimes(t *testing.T) {
	e := reporttest.Clean(t)
	e.Seal() // puts it in order
	far, past := time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)
	zoned := e.Report.Began.In(time.FixedZone("", 8*3600))
	e.Report.Windows[0].FromTime, e.Report.Windows[0].ToTime, e.Report.Windows[1].FromTime = &past, &far, &zoned
	v, err := report.Verify(e.Seal(), e.Key)
	if err != nil {
		t.Fatal(err)
	}
	if w := v.Report.Windows; w[0].FromTime != nil || w[0].ToTime != nil || !w[1].FromTime.Equal(zoned) {
		t.Errorf("%v %v %v", w[0].FromTime, w[0].ToTime, w[1].FromTime)
	}
}

// TestJournal has streams with less to say than most, and with lies.
func TestJournal(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(e *reporttest.Example, s *report.Stream)
		says   string // empty: it verifies
	}{
		{"nothing was signed before", func(_ *reporttest.Example, s *report.Stream) { s.Before, s.Proof = "", nil }, ""},
		{"nothing happened", func(e *reporttest.Example, s *report.Stream) {
			*s = e.Stream(e.Trees[s.Stream], 300, 300, 300, 300)
		}, ""},
		{"no event counted", func(_ *reporttest.Example, s *report.Stream) { s.Last, s.LastProof = report.Ref{}, nil }, ""},
		{"nobody signs", func(_ *reporttest.Example, s *report.Stream) { *s = report.Stream{Stream: s.Stream, Last: s.Last} }, ""},
		{"a proof from nowhere", func(_ *reporttest.Example, s *report.Stream) { s.Before = "" }, "begins at no checkpoint"},
		{"a proof to nowhere", func(_ *reporttest.Example, s *report.Stream) { s.After, s.LastProof = "", nil }, "lead to no checkpoint"},
		{"it shrank", func(_ *reporttest.Example, s *report.Stream) { s.Before, s.After = s.After, s.Before }, "no proof leads"},
		{"a stream twice", func(e *reporttest.Example, s *report.Stream) {
			e.Report.Journal.Streams = append(e.Report.Journal.Streams, *s)
		}, "twice"},
		{"of another pipeline", func(_ *reporttest.Example, s *report.Stream) { s.Stream.Pipeline = "other" }, "another pipeline"},
		{"a checkpoint of another stream", func(e *reporttest.Example, s *report.Stream) { s.Before = e.Report.Journal.Streams[0].Before }, "a checkpoint is of"},
		{"a checkpoint that is no note", func(_ *reporttest.Example, s *report.Stream) { s.Before = "note" }, "checkpoint"},
		{"a last event of another stream", func(e *reporttest.Example, s *report.Stream) { s.Last.Stream = e.Report.Journal.Streams[0].Stream }, "its last event"},
		{"a last event after the end", func(_ *reporttest.Example, s *report.Stream) { s.Last.Seq = 10_000 }, "not in a tree"},
		{"an earlier one that is not in it", func(e *reporttest.Example, s *report.Stream) {
			s.Earlier[0].Note = e.Note(e.Trees[s.Stream].Rewritten(5, 0), 280)
		}, "no continuation"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := reporttest.Clean(t)
			e.Seal()
			c.change(e, &e.Report.Journal.Streams[3])
			_, err := report.Verify(report.SignAsIs(e.Report, e.Signer, true), e.Key)
			if c.says == "" && err != nil {
				t.Error(err)
			}
			if c.says != "" && (err == nil || !strings.Contains(err.Error(), "journal: ") || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("want %q, got %v", c.says, err)
			}
		})
	}
}

// TestKept holds a report against what somebody kept, in every form in which one keeps it.
func TestKept(t *testing.T) {
	e := reporttest.Clean(t)
	v := verified(t, e)
	stream := domain.ControlStream(reporttest.Pipeline)
	at := func(e *reporttest.Example, size int64) checkpoint.Kept {
		tree := e.Trees[stream]
		return checkpoint.Kept{Head: checkpoint.Head{Journal: tree.ID, Ref: domain.Ref(tree.Ref(size)), Root: tree.Root(size), Note: e.Note(tree, size)}, Key: e.Key}
	}
	file := func(list ...checkpoint.Kept) []byte {
		b, err := checkpoint.EncodeKept(list)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	rewritten := at(e, 280)
	rewritten.Root = e.Trees[stream].Rewritten(5, 0).Root(280)
	rewritten.Note, _ = checkpoint.Sign(e.Signer, rewritten.Journal, rewritten.Ref, rewritten.Root)
	other := reporttest.CleanOf(t, 5)
	other.Seal()
	elsewhere := at(e, 280)
	elsewhere.Ref.Stream = domain.ControlStream("elsewhere")
	note, err := checkpoint.Sign(e.Signer, e.Report.Journal.ID, elsewhere.Ref, elsewhere.Root)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere.Note = note
	for _, c := range []struct {
		name string
		kept []byte
		says string // empty: the report's journal has it
	}{
		{"the file", file(at(e, 280)), ""},
		{"before, after and earlier", file(at(e, 280), at(e, 300), at(e, e.Trees[stream].Size())), ""},
		{"one note", []byte(at(e, 300).Note), ""},
		{"this very report", e.Seal(), ""},
		{"one of another pipeline too", file(elsewhere, at(e, 300)), ""},
		{"of another pipeline only", file(elsewhere), "none of the 1 kept checkpoints is of pipeline jsc"},
		{"of another history", file(rewritten), "the journal was rewritten"},
		{"of another journal", file(at(other, 280)), "another journal"},
		{"a report of another journal", other.Seal(), "another journal"},
		{"of a size that the report does not know", file(at(e, 281)), "no proof in the report leads from the kept checkpoint jsc.control@281"},
	} {
		t.Run(c.name, func(t *testing.T) {
			keys := []string{e.Key, other.Key}
			heads, err := report.ReadKept(c.kept, keys...)
			if err != nil {
				t.Fatal(err)
			}
			err = v.Contains(heads)
			var unproven *report.Unproven
			var refused *report.Refused
			switch {
			case c.says == "" && err != nil, c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
				t.Errorf("want %q, got %v", c.says, err)
			case err != nil && errors.As(err, &unproven) != strings.Contains(c.says, "no proof"), err != nil && !errors.As(err, &unproven) && !errors.As(err, &refused):
				t.Errorf("error %T", err)
			}
		})
	}
	forged := at(e, 280)
	forged.Note = strings.Replace(forged.Note, "\n280\n", "\n281\n", 1)
	for name, kept := range map[string][]byte{
		"no JSON": []byte("{"), "no note": []byte("hello"), "a forged note": []byte(forged.Note), "a forged file": file(forged), "a report that does not verify": []byte(`{"report": {}}`),
	} {
		if _, err := report.ReadKept(kept, e.Key); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}
