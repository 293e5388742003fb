package origin

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// held is what the journal has of a range while the city's rows come by: a digest of each row,
// and the gaps.
type held struct {
	b           *Books
	a           *Again
	city        *City
	p           *partition
	clock       *cityRows
	rows        []heldRow
	gaps        []domain.Gap
	at          int64 // behind the city's last row
	left, right proof.Tally
}

type heldRow struct {
	offset, time, digest int64
	value                uint64 // digest of the bytes
	null                 bool
}

// journal reads the journal's side.
func (h *held) journal(ctx context.Context) error {
	in := h.a.Range
	in.Span = h.a.Compared
	h.at = in.First
	err := h.b.runs(ctx, in, func(list []record, r *domain.Run) error {
		if list == nil {
			h.gaps = append(h.gaps, r.Gaps...)
		}
		for i := range list {
			if o := &list[i]; o.offset >= in.First && o.offset < in.Next {
				row := h.clock.row(o.offset, o.time, o.value, o.null)
				h.rows = append(h.rows, heldRow{o.offset, o.time, proof.Digest(&row, Read), xxh3.HashString(o.value), o.null})
			}
		}
		return nil
	})
	slices.SortStableFunc(h.rows, func(a, b heldRow) int { return cmp.Compare(a.offset, b.offset) })
	slices.SortStableFunc(h.gaps, func(a, b domain.Gap) int { return cmp.Compare(a.Span.First, b.Span.First) })
	return err
}

// row takes the next row of the city.
func (h *held) row(r cityRow) error {
	h.rest(domain.Span{First: h.at, Next: r.offset})
	h.at = r.offset + 1
	row := h.clock.row(r.offset, r.time, r.value, r.null)
	counts := !r.undecided || h.city.uncommitted
	if len(h.rows) == 0 || h.rows[0].offset != r.offset {
		if reason := h.reason(r.offset); counts && !(r.undecided && reason == domain.ReasonAborted) {
			h.left.Add(&row)
			h.find(domain.Lost, r.offset, r.time, "", missing(reason))
		}
		return nil
	}
	have := h.rows[0]
	h.rows = h.rows[1:]
	for len(h.rows) > 0 && h.rows[0].offset == r.offset {
		h.right.AddDigest(r.offset, h.rows[0].digest)
		h.find(domain.Doubled, r.offset, r.time, "", "the journal has the row more than once")
		h.rows = h.rows[1:]
	}
	h.right.AddDigest(have.offset, have.digest)
	if !counts {
		h.find(domain.Strayed, r.offset, have.time, "", "the city's transaction of the row was aborted")
		return nil
	}
	h.left.Add(&row)
	if have.time != r.time {
		h.find(domain.Altered, r.offset, r.time, "city_ts", fmt.Sprintf("should be %d ms, is %d", r.time, have.time))
	}
	if have.null != r.null || have.value != xxh3.HashString(r.value) {
		h.find(domain.Altered, r.offset, r.time, "record", "the city has other bytes")
	}
	return nil
}

func missing(gap domain.Reason) string {
	if gap == 0 {
		return "the city has a committed row there, and the journal has neither a row nor a gap"
	}
	return "the city has a committed row there, and the journal a gap: " + gap.String()
}

// reason is why the journal has no row at an offset, 0 where it does not say.
func (h *held) reason(offset int64) domain.Reason {
	for len(h.gaps) > 0 && h.gaps[0].Span.Next <= offset {
		h.gaps = h.gaps[1:]
	}
	if len(h.gaps) > 0 && h.gaps[0].Span.First <= offset {
		return h.gaps[0].Reason
	}
	return 0
}

// rest is a run of offsets at which the city has no row: rows of the journal there are gone with
// what the topic let go of, or come from nowhere.
func (h *held) rest(in domain.Span) {
	for len(h.rows) > 0 && h.rows[0].offset < in.Next {
		r := h.rows[0]
		h.rows = h.rows[1:]
		if r.offset < h.p.bounds.LogStart || h.p.topic.Compacted || !h.p.topic.ConfigKnown {
			h.a.Gone++
			continue
		}
		h.right.AddDigest(r.offset, r.digest)
		h.find(domain.Strayed, r.offset, r.time, "", "the city has no row there")
	}
}

func (h *held) find(class domain.Class, offset, ms int64, column, detail string) {
	key := domain.PartitionKey{Source: h.a.Range.Source, Generation: h.a.Range.Generation, Partition: h.a.Range.Partition}
	f := finding(class, key, h.city.City, offset, "%s", detail)
	f.Row.City.Timestamp, f.Column = ms, column
	h.a.Findings = append(h.a.Findings, f)
}
