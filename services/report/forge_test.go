package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/report/reporttest"
)

// forger has a report of each kind, the time to change them, and a key, which is not the
// operator's unless a forgery says so.
type forger struct {
	*rand.Rand
	t                  testing.TB
	clean, rich, other []byte // files; other is of another journal
	key                string // the operator's
}

// forgery is one kind. Its file is refused with the operator's key; bare says that it is
// refused without one too, and by which parts of the report. kept are checkpoints that
// somebody kept, when it takes them to see it.
type forgery struct {
	kind string
	n    int
	make func(f *forger) []byte
	bare []report.Part
	kept func(f *forger) []checkpoint.Head
}

// TestForgeries makes 200 reports that nobody ever made. None verifies.
func TestForgeries(t *testing.T) {
	honest := reporttest.Clean(t)
	f := &forger{Rand: rand.New(rand.NewPCG(6, 2026)), t: t, key: honest.Key}
	f.clean, f.rich, f.other = honest.Seal(), reporttest.Rich(t).Seal(), reporttest.CleanOf(t, 77).Seal()
	table := [][3]string{{"forgery", "with the key", "without a key"}}
	total := 0
	for _, kind := range forgeries() {
		with, without := map[report.Part]int{}, map[report.Part]int{}
		for i := range kind.n {
			file := kind.make(f)
			total++
			if bytes.Equal(file, f.clean) || bytes.Equal(file, f.rich) {
				t.Fatalf("%s %d: it forged nothing", kind.kind, i)
			}
			with[f.refusedBy(kind, file, f.key)]++
			part := f.refusedBy(kind, file)
			without[part]++
			if !slices.Contains(kind.bare, part) {
				t.Errorf("%s %d without a key: refused by %q, want one of %q", kind.kind, i, part, kind.bare)
			}
		}
		if with[""] > 0 {
			t.Errorf("%s: %d of %d verify with the operator's key", kind.kind, with[""], kind.n)
		}
		table = append(table, [3]string{fmt.Sprintf("%d × %s", kind.n, kind.kind), counts(with), counts(without)})
	}
	if total < 200 {
		t.Errorf("%d forgeries, want 200", total)
	}
	var lines strings.Builder
	for _, row := range table {
		fmt.Fprintf(&lines, "%-66s | %-30s | %s\n", row[0], row[1], row[2])
	}
	t.Logf("%d forgeries and what refuses them:\n%s", total, &lines)
}

func counts(by map[report.Part]int) string {
	var out []string
	for _, part := range slices.Sorted(maps.Keys(by)) {
		if part == "" {
			out = append(out, fmt.Sprintf("nothing (nobody vouches) %d", by[part]))
			continue
		}
		out = append(out, fmt.Sprintf("%s %d", part, by[part]))
	}
	return strings.Join(out, ", ")
}

// refusedBy gives the first part of the report by which it is refused, empty when it verifies.
func (f *forger) refusedBy(kind forgery, file []byte, keys ...string) report.Part {
	f.t.Helper()
	v, err := report.Verify(file, keys...)
	if err == nil && kind.kept != nil {
		err = v.Contains(kind.kept(f))
	}
	if err == nil {
		return ""
	}
	var refused *report.Refused
	if !errors.As(err, &refused) {
		f.t.Fatalf("%s: %v", kind.kind, err)
	}
	return refused.Problems[0].Part
}

func forgeries() []forgery {
	bytewise := []report.Part{report.PartForm, report.PartSignature}
	return []forgery{
		{kind: "one byte changed", n: 50, bare: bytewise, make: func(f *forger) []byte {
			return f.edit(func(b []byte, at int) []byte { b[at] ^= byte(1 + f.IntN(255)); return b })
		}},
		{kind: "white space put in or a byte taken out", n: 20, bare: bytewise, make: func(f *forger) []byte {
			if f.IntN(2) == 0 {
				return f.edit(func(b []byte, at int) []byte { return slices.Insert(b, at, ' ') })
			}
			return f.edit(func(b []byte, at int) []byte { return slices.Delete(b, at, at+1) })
		}},
		{kind: "truncated", n: 15, bare: bytewise, make: func(f *forger) []byte {
			return f.edit(func(b []byte, at int) []byte { return b[:at] })
		}},
		{kind: "written with other white space", n: 3, bare: bytewise, make: func(f *forger) []byte {
			return bytes.ReplaceAll(f.clean, []byte("\n"), []byte("\n"+strings.Repeat(" ", 1+f.IntN(3))))
		}},
		{kind: "two reports spliced", n: 10, bare: bytewise, make: func(f *forger) []byte {
			at := f.IntN(len(f.clean) - 2000)
			return append(bytes.Clone(f.clean[:at]), f.rich[max(0, len(f.rich)-len(f.clean)+at):]...)
		}},
		{kind: "the signature of another report of the same key", n: 2, bare: bytewise, make: func(f *forger) []byte {
			cut := func(b []byte) int { return bytes.LastIndex(b, []byte(`"signature"`)) }
			second := reporttest.Clean(f.t)
			second.Report.Software.Host = fmt.Sprint("hefu-", f.IntN(1_000)+2)
			file := second.Seal()
			return append(bytes.Clone(f.clean[:cut(f.clean)]), file[cut(file):]...)
		}},
		{kind: "base64 of the signature written in another way", n: 1, bare: bytewise, make: func(f *forger) []byte {
			return reporttest.OtherBase64(f.clean)
		}},
		{kind: "a letter of the signature written as an escape", n: 1, bare: bytewise, make: func(f *forger) []byte {
			at := bytes.LastIndex(f.clean, []byte("hefu.io"))
			return slices.Concat(f.clean[:at], []byte(`\u0068`), f.clean[at+1:])
		}},
		{kind: "written in another form, signed with the operator's own key", n: 4, bare: bytewise, make: func(f *forger) []byte {
			from := [][2]string{{`"depth": `, `"depth":  `}, {`"verdict": `, `"verdict": "diverged", "verdict": `}, {`"depth": `, `"more": 1, "depth": `}, {`"depth": "c`, `"depth": "\u0063`}}[f.IntN(4)]
			e := reporttest.Clean(f.t)
			file := e.Seal()
			text := file[len("{\n \"report\": "):bytes.LastIndex(file, []byte(",\n \"signature\""))]
			return report.SignText(reporttest.Pipeline, bytes.Replace(text, []byte(from[0]), []byte(from[1]), 1), e.Signer)
		}},
		{kind: "signed anew with another key", n: 10, bare: []report.Part{""}, make: func(f *forger) []byte {
			return f.again(true, func(*report.Report) {})
		}},
		{kind: "a window left out, signed anew", n: 20, bare: []report.Part{report.PartWindows}, make: func(f *forger) []byte {
			return f.again(true, func(r *report.Report) {
				i := f.window(r, func(w *report.Window) bool { return w.Proof != report.CityJournal })
				r.Windows = slices.Delete(r.Windows, i, i+1)
			})
		}},
		{kind: "a window left out with its rows, signed anew", n: 10, bare: []report.Part{report.PartWindows}, make: func(f *forger) []byte {
			return f.again(true, dropWithRows(f))
		}},
		{kind: "one number of a vector changed, signed anew", n: 20, bare: []report.Part{report.PartWindows}, make: func(f *forger) []byte {
			return f.again(true, func(r *report.Report) {
				i := f.window(r, func(w *report.Window) bool { return w.State == domain.WindowVerified })
				v := &r.Windows[i].Witnesses[f.IntN(2)].Vector
				switch f.IntN(5) {
				case 0:
					v.Digest = v.Digest.Add(1 + f.Int64N(1_000_000))
				case 1:
					v.Offsets = v.Offsets.Add(1 + f.Int64N(1_000_000))
				case 2:
					v.Rows--
				case 3:
					v.Distinct--
				default:
					v.Max--
				}
			})
		}},
		{kind: "verdict changed, signed anew", n: 8, bare: []report.Part{report.PartVerdict}, make: func(f *forger) []byte {
			return f.reworked(reporttest.Rich(f.t), false, func(r *report.Report) {
				r.Verdict, r.Why = []domain.Verdict{domain.Verified, domain.NotChecked}[f.IntN(2)], r.Why[f.IntN(10):]
			})
		}},
		{kind: "findings taken out and their windows called verified", n: 6, bare: []report.Part{report.PartWindows}, make: func(f *forger) []byte {
			return f.reworked(reporttest.Rich(f.t), true, func(r *report.Report) {
				r.Findings, r.More, r.Unchecked = nil, 0, nil
				for i := range r.Windows {
					r.Windows[i].State, r.Windows[i].Why = domain.WindowVerified, ""
				}
			})
		}},
		{kind: "a finding at another row, signed anew", n: 5, bare: []report.Part{report.PartFindings}, make: func(f *forger) []byte {
			return f.reworked(reporttest.Rich(f.t), true, func(r *report.Report) {
				r.Findings[f.IntN(len(r.Findings))].CityOffset += 1 + f.Int64N(100)
			})
		}},
		{kind: "rows moved in the books, signed anew", n: 10, bare: []report.Part{report.PartSums}, make: func(f *forger) []byte {
			return f.again(true, moveRows(f))
		}},
		{kind: "coverage changed, signed anew", n: 5, bare: []report.Part{report.PartCoverage}, make: func(f *forger) []byte {
			return f.reworked(reporttest.Clean(f.t), false, func(r *report.Report) {
				c := &r.Coverage[f.IntN(len(r.Coverage))]
				n := 1 + f.Int64N(1_000)
				c.Verified, c.NotChecked = c.Verified+n, c.NotChecked-n
			})
		}},
		{kind: "proofs of two streams swapped, signed anew", n: 5, bare: []report.Part{report.PartJournal}, make: func(f *forger) []byte {
			return f.again(true, func(r *report.Report) {
				i := f.IntN(len(r.Journal.Streams) - 1)
				a, b := &r.Journal.Streams[i], &r.Journal.Streams[i+1]
				a.Proof, b.Proof = b.Proof, a.Proof
				a.LastProof, b.LastProof = b.LastProof, a.LastProof
			})
		}},
		{kind: "a last event that is not in the journal, signed anew", n: 5, bare: []report.Part{report.PartJournal}, make: func(f *forger) []byte {
			return f.again(true, func(r *report.Report) { r.Journal.Streams[f.IntN(len(r.Journal.Streams))].Last.Hash[f.IntN(32)] ^= 1 })
		}},
		{kind: "checkpoints of another journal, signed anew", n: 3, bare: []report.Part{report.PartJournal}, make: func(f *forger) []byte {
			other, err := report.Verify(f.other)
			if err != nil {
				f.t.Fatal(err)
			}
			return f.again(true, func(r *report.Report) { r.Journal.Streams = other.Report.Journal.Streams })
		}},
		{kind: "an older journal, signed with the operator's own key", n: 5, bare: []report.Part{report.PartKept}, make: func(f *forger) []byte {
			e := reporttest.Clean(f.t)
			for i := range e.Report.Journal.Streams {
				t := e.Trees[e.Report.Journal.Streams[i].Stream]
				n := 200 + f.Int64N(50)
				e.Report.Journal.Streams[i] = e.Stream(t, n-20, n-10, n-1, n)
			}
			return report.SignAsIs(e.Report, e.Signer, true)
		}, kept: keptOfClean},
		{kind: "a rewritten journal, signed with the operator's own key", n: 5, bare: []report.Part{report.PartKept}, make: func(f *forger) []byte {
			e := reporttest.Clean(f.t)
			for i := range e.Report.Journal.Streams {
				t := e.Trees[e.Report.Journal.Streams[i].Stream].Rewritten(1+f.Int64N(280), int(f.Int64N(40)))
				e.Report.Journal.Streams[i] = e.Stream(t, 280, 300, t.Size()-2, t.Size())
			}
			return report.SignAsIs(e.Report, e.Signer, true)
		}, kept: keptOfClean},
		{kind: "another journal, signed with the operator's own key", n: 2, bare: []report.Part{report.PartKept}, make: func(f *forger) []byte {
			e := reporttest.Clean(f.t)
			e.Rename(f.Uint64())
			return report.SignAsIs(e.Report, e.Signer, true)
		}, kept: keptOfClean},
	}
}

// keptOfClean are the checkpoints that an auditor kept when the honest journal had 280 events
// in each stream.
func keptOfClean(f *forger) []checkpoint.Head {
	var out []checkpoint.Head
	for stream, tree := range reporttest.Clean(f.t).Trees {
		ref := domain.Ref(tree.Ref(280))
		out = append(out, checkpoint.Head{Journal: tree.ID, Ref: ref, Root: tree.Root(280)})
		if ref.Stream != stream {
			f.t.Fatalf("the tree of %s is of %s", stream, ref.Stream)
		}
	}
	return out
}
