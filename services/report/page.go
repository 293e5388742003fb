package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/checkpoint"
)

// What a page lists of each kind; the file has all of them.
const (
	pageFindings   = 500
	pageWindows    = 200
	pageGaps       = 40
	pagePartitions = 200
	pageQueries    = 60
)

// page is a report as its page shows it.
type page struct {
	*Report
	File      string
	Digest    domain.Hash
	Key       string
	Cities    []*cityTotals
	All       *cityTotals
	Classes   []domain.Class // that were found
	Reasons   []string
	Timelines []timeline
	Bad       list[Window] // not verified, and not just open
	Heads     []streamHeads
	Foreign   []Foreign
	States    []domain.WindowState

	Found    list[Finding]
	Runs     list[Gap]
	Accounts list[Source]
	Asked    list[Query]

	zone *time.Location
}

// list is the part of a list that is shown.
type list[T any] struct {
	Shown []T
	More  int64
}

func first[T any](all []T, most int) list[T] {
	n := min(len(all), most)
	return list[T]{all[:n], int64(len(all) - n)}
}

// timeline is a city's tracks, or those of the hub.
type timeline struct {
	Title  string
	Name   string
	Tracks []track
}

// streamHeads is a stream with the sizes of its trees, 0 where there was none.
type streamHeads struct {
	Stream
	From, To int64
	Root     domain.Hash
}

func newPage(v *Verified, file string) *page {
	r := v.Report
	p := &page{
		Report: r, File: file, Digest: v.Digest, Key: v.Key, Foreign: v.Foreign(), Cities: byCity(r), Reasons: reasons(r), States: States(),
		Found: first(r.Findings, pageFindings), Accounts: first(r.Sources, pagePartitions), Asked: first(r.Queries, pageQueries), zone: zone(r),
	}
	p.All = all(p.Cities)
	for i, c := range Classes() {
		if p.All.Findings[i] > 0 {
			p.Classes = append(p.Classes, c)
		}
	}
	for _, c := range p.Cities {
		if t := (timeline{c.City, c.Name, tracks(r, domain.ProofCityHub, c.Sources)}); len(t.Tracks) > 0 {
			p.Timelines = append(p.Timelines, t)
		}
	}
	if t := tracks(r, domain.ProofHubDoris, nil); len(t) > 0 {
		p.Timelines = append(p.Timelines, timeline{"hub to Doris", "", t})
	}
	if of := r.Scope.Plan; of != nil {
		p.Timelines = append(p.Timelines, timeline{"replay " + of.ID.String(), "", tracks(r, PlanProof(of.Kind), nil)})
	}
	p.Bad = first(troubled(r), pageWindows)
	p.Runs = first(worstGaps(r), pageGaps)
	for i := range r.Journal.Streams {
		p.Heads = append(p.Heads, newStreamHeads(r.Journal.Streams[i], v.heads[r.Journal.Streams[i].Stream]))
	}
	return p
}

func newStreamHeads(s Stream, heads []checkpoint.Head) streamHeads {
	h := streamHeads{Stream: s}
	if len(heads) > 0 {
		h.To, h.Root = int64(heads[0].Ref.Seq), heads[0].Root
	}
	if s.Before != "" && len(heads) > 1 {
		h.From = int64(heads[1].Ref.Seq)
	}
	return h
}

// troubled are the windows that somebody has to look at, the worst first.
func troubled(r *Report) []Window {
	var out []Window
	for i := range r.Windows {
		w := &r.Windows[i]
		if w.State != domain.WindowVerified && w.State != domain.WindowOpen {
			out = append(out, *w)
		}
	}
	slices.SortStableFunc(out, func(a, b Window) int {
		return cmp.Compare(slices.Index(States(), a.State), slices.Index(States(), b.State))
	})
	return out
}

// worstGaps are the runs without a row, those for no innocent reason first, then the longest.
func worstGaps(r *Report) []Gap {
	out := slices.Clone(r.Gaps)
	slices.SortStableFunc(out, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(guilt(a.Reason), guilt(b.Reason)), cmp.Compare(b.Offsets, a.Offsets))
	})
	return out
}

// MostLag is the most that any city has on its way, of which the lag's bars are parts.
func (p *page) MostLag() int64 {
	var most int64
	for _, c := range p.Cities {
		most = max(most, c.Behind+c.Pending+c.PendingDoris)
	}
	return most
}

// zone is the pipeline's time zone, UTC where this machine does not know it.
func zone(r *Report) *time.Location {
	if z, err := time.LoadLocation(r.Scope.Timezone); err == nil && r.Scope.Timezone != "" {
		return z
	}
	return time.UTC
}
