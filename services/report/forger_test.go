package report_test

import (
	"bytes"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/report/reporttest"
)

// edit changes the bytes of one of the reports at a place by chance.
func (f *forger) edit(change func(b []byte, at int) []byte) []byte {
	b := bytes.Clone([][]byte{f.clean, f.rich}[f.IntN(2)])
	at := f.IntN(len(b) - 1)
	if f.IntN(4) == 0 { // near the end, where the signature is
		at = len(b) - 2 - f.IntN(300)
	}
	return change(b, at)
}

// again is the clean report, changed and signed with the forger's key, and every checkpoint in
// it too: as good as a forger can without the operator's key.
func (f *forger) again(count bool, change func(r *report.Report)) []byte {
	return f.reworked(reporttest.Clean(f.t), count, change)
}

func (f *forger) reworked(e *reporttest.Example, count bool, change func(r *report.Report)) []byte {
	report.SignAsIs(e.Report, e.Signer, true)
	e.Signer, e.Key = reporttest.Key(f.t, 1_000+f.Uint64N(1_000_000))
	e.Report.Journal.Key = e.Key
	for i := range e.Report.Journal.Streams {
		t := e.Trees[e.Report.Journal.Streams[i].Stream]
		e.Report.Journal.Streams[i] = e.Stream(t, 280, 300, t.Size()-2, t.Size())
	}
	change(e.Report)
	return report.SignAsIs(e.Report, e.Signer, count)
}

// window picks one that will do.
func (f *forger) window(r *report.Report, will func(w *report.Window) bool) int {
	for {
		if i := f.IntN(len(r.Windows)); will(&r.Windows[i]) {
			return i
		}
	}
}

// dropWithRows leaves out a window of the cities and takes its rows out of the books, so that
// all sums of the source and of the hub are right again.
func dropWithRows(f *forger) func(r *report.Report) {
	return func(r *report.Report) {
		i := f.window(r, func(w *report.Window) bool {
			return w.Proof == domain.ProofCityHub && w.State == domain.WindowVerified && w.Rows > 0
		})
		w := r.Windows[i]
		r.Windows = append(r.Windows[:i:i], r.Windows[i+1:]...)
		for j := range r.Sources {
			s := &r.Sources[j]
			if s.Source != string(w.Source) || s.Partition != w.Partition {
				continue
			}
			s.Rows, s.InHub, s.InDoris = s.Rows-w.Rows, s.InHub-w.Rows, s.InDoris-w.Rows
			s.Gaps["commit_marker"] += w.Rows // offsets without a row
			for k := range r.Gaps {
				if g := &r.Gaps[k]; g.Source == s.Source && g.Partition == s.Partition && g.Reason == "commit_marker" {
					g.Offsets += w.Rows
				}
			}
		}
		for j := range r.Windows {
			h := &r.Windows[j]
			if h.Proof == domain.ProofHubDoris && h.State == domain.WindowOpen && h.Rows > 0 {
				r.Hub[h.Partition].Rows -= w.Rows
				h.Rows -= w.Rows
				return
			}
		}
	}
}

// moveRows changes one number of the books by a few rows.
func moveRows(f *forger) func(r *report.Report) {
	return func(r *report.Report) {
		s := &r.Sources[f.IntN(len(r.Sources))]
		n := 1 + f.Int64N(5)
		switch f.IntN(6) {
		case 0:
			s.Rows += n
		case 1:
			s.InHub += n
		case 2:
			s.InDoris -= n
		case 3:
			s.Next += n
		case 4:
			s.Gaps["commit_marker"] += n
		default:
			s.Pending += n
		}
	}
}
