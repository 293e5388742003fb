package origin

import (
	"cmp"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
)

// WindowBook is what the journal says of a window: of a city's offsets, what was read there; of
// hub offsets, what was put there. Of a window that lies in one gap as a whole there is none.
type WindowBook struct {
	domain.Window
	Rows     int64
	Excluded int64                            // of them, what the next place does not get
	Gaps     map[domain.Reason]GapBook        // of a city's window
	From, To domain.Micros                    // extract_time of the first and the last row
	Ingest   struct{ First, Last domain.Seq } // events with its rows, or gaps
	Commits  struct{ First, Last domain.Seq } // the commits that carried them; 0: none
}

// GapBook is the gaps of one reason in a window. A gap that reaches over several windows is split
// at the begin of its last one, and belongs to the first up to there.
type GapBook struct {
	Runs, Offsets int64
	Bounds        domain.Span
	Spans         []domain.Span // the first ones
}

// keptGaps is how many gaps of a reason are listed for a window.
const keptGaps = 8

// Innocent reports whether all its gaps are the markers of transactions.
func (w *WindowBook) Innocent() bool {
	for reason := range w.Gaps {
		if reason != domain.ReasonCommitMarker && reason != domain.ReasonAbortMarker {
			return false
		}
	}
	return true
}

// ReportGaps are the gaps of the window as a report lists them: one by one, or, where a reason
// has too many, all of them as one.
func (w *WindowBook) ReportGaps() (out []report.Gap) {
	for _, reason := range slices.Sorted(maps.Keys(w.Gaps)) {
		g := w.Gaps[reason]
		gap := report.Gap{Source: string(w.Source), Generation: w.Generation, Partition: w.Partition, Reason: reason.String()}
		if g.Runs > int64(len(g.Spans)) {
			gap.First, gap.Next, gap.Runs, gap.Offsets = g.Bounds.First, g.Bounds.Next, g.Runs, g.Offsets
			out = append(out, gap)
			continue
		}
		for _, s := range g.Spans {
			gap.First, gap.Next, gap.Runs, gap.Offsets = s.First, s.Next, 1, s.Len()
			out = append(out, gap)
		}
	}
	return out
}

// Window is what is known of a window, nil for nothing.
func (b *Books) Window(w domain.Window) *WindowBook { return b.windows[w] }

// Windows are those of a proof in the order of source, generation, partition and offset.
func (b *Books) Windows(of domain.Proof) []*WindowBook {
	var out []*WindowBook
	for w, book := range b.windows {
		if w.Proof == of {
			out = append(out, book)
		}
	}
	slices.SortFunc(out, func(x, y *WindowBook) int {
		return cmp.Or(cmp.Compare(x.Source, y.Source), cmp.Compare(x.Generation, y.Generation), cmp.Compare(x.Partition, y.Partition), cmp.Compare(x.Index, y.Index))
	})
	return out
}

func (b *Books) window(w domain.Window) *WindowBook {
	book := b.windows[w]
	if book == nil {
		book = &WindowBook{Window: w}
		b.windows[w] = book
	}
	return book
}

// split calls each with the parts of a span, window by window.
func split(of domain.Window, in domain.Span, each func(w domain.Window, part domain.Span)) {
	for at := in.First; at < in.Next; {
		of.Index = at / domain.WindowSize
		end := min(in.Next, of.Span().Next)
		each(of, domain.Span{First: at, Next: end})
		at = end
	}
}

// bookRun books the rows and gaps of an ingest run into the windows of its city; in a direct
// pipeline into those of the hub, which is the city there.
func (b *Books) bookRun(seq domain.Seq, n *note, key domain.PartitionKey, r *domain.Run) {
	of := domain.Window{Proof: domain.ProofCityHub, Source: key.Source, Generation: key.Generation, Partition: key.Partition}
	if b.o.config.Direct {
		of = domain.Window{Proof: domain.ProofHubDoris, Partition: key.Partition}
	}
	touch := func(w domain.Window) *WindowBook {
		book := b.window(w)
		if book.Ingest.First == 0 {
			book.Ingest.First = seq
		}
		book.Ingest.Last = seq
		return book
	}
	rows := func(in domain.Span) {
		if b.o.config.Direct {
			b.placed(key.Partition, in)
		}
		split(of, in, func(w domain.Window, part domain.Span) {
			book := touch(w)
			book.add(part.Len(), n.extract)
			if len(n.windows) == 0 || n.windows[len(n.windows)-1] != w {
				n.windows = append(n.windows, w)
			}
		})
	}
	at := r.First
	for _, g := range r.Gaps {
		rows(domain.Span{First: at, Next: g.Span.First})
		b.bookGap(of, g, touch)
		at = max(at, g.Span.Next)
	}
	rows(domain.Span{First: at, Next: r.Next})
}

// bookGap books a gap into the windows of its ends; those between have no rows.
func (b *Books) bookGap(of domain.Window, g domain.Gap, touch func(domain.Window) *WindowBook) {
	if g.Span.Len() == 0 || g.Span.First < 0 {
		return
	}
	first, last := of, of
	first.Index, last.Index = g.Span.First/domain.WindowSize, (g.Span.Next-1)/domain.WindowSize
	rest := g.Span
	if last != first {
		touch(first).gap(g.Reason, domain.Span{First: g.Span.First, Next: last.Span().First})
		rest.First = last.Span().First
	}
	touch(last).gap(g.Reason, rest)
}

func (w *WindowBook) gap(reason domain.Reason, s domain.Span) {
	if w.Gaps == nil {
		w.Gaps = map[domain.Reason]GapBook{}
	}
	g := w.Gaps[reason]
	if g.Runs == 0 {
		g.Bounds.First = s.First
	}
	g.Bounds.Next = s.Next
	g.Runs, g.Offsets = g.Runs+1, g.Offsets+s.Len()
	if len(g.Spans) < keptGaps {
		g.Spans = append(g.Spans, s)
	}
	w.Gaps[reason] = g
}

func (w *WindowBook) add(rows int64, at domain.Micros) {
	if w.Rows == 0 {
		w.From = at
	}
	w.Rows += rows
	w.To = max(w.To, at)
}

func (w *WindowBook) carriedBy(commit domain.Seq) {
	if w.Commits.First == 0 {
		w.Commits.First = commit
	}
	w.Commits.Last = max(w.Commits.Last, commit)
}
