package projections_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
)

// cutRow is one row of a hub transaction, and all that a selection may ask of it.
type cutRow struct {
	ingest     domain.Seq
	run        int
	ordinal    int64
	source     domain.SourceID
	generation domain.Generation
	partition  int32
	offset     int64
	hub        int32
	at         int64
}

// cutWorld is a journal whose hub transactions are drawn.
type cutWorld struct {
	j       *journal.Journal
	commits []*domain.HubCommitted
	rows    [][]cutRow // of each commit
}

const cutShard = 1

// drawCutWorld draws ingest events of some runs each, with holes that the hub left, batches
// that do not decode where the hub itself is the source, and hub partitions of their own.
func drawCutWorld(t *rapid.T, direct bool) *cutWorld {
	ctx := t.Context()
	j, err := journal.Open(ctx, "p", journal.Options{Store: journal.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	stream := domain.Stream{Pipeline: "p", Shard: cutShard, Leg: domain.LegIngest}
	writer, err := j.Takeover(ctx, stream, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	w := &cutWorld{j: j}
	next, ends := map[string]int64{}, map[int32]int64{}
	for range rapid.IntRange(1, 4).Draw(t, "events") {
		ev := &domain.Ingested{Owned: writer.Owned()}
		for range rapid.IntRange(1, 3).Draw(t, "runs") {
			ev.Runs = append(ev.Runs, drawRun(t, next, direct))
		}
		ref, err := writer.Append(ctx, ev)
		if err != nil {
			t.Fatal(err)
		}
		c := domain.DirectCommit(ref.Seq, ev)
		if !direct {
			c = drawCommit(t, ref.Seq, ev, ends)
		}
		w.commits, w.rows = append(w.commits, c), append(w.rows, rowsOf(c, ev))
	}
	return w
}

// drawRun draws a run of a source partition, in batches of one to three offsets; some of them
// have no row.
func drawRun(t *rapid.T, next map[string]int64, direct bool) domain.Run {
	r := domain.Run{
		Source: rapid.SampledFrom([]domain.SourceID{"a", "b"}).Draw(t, "source"), Generation: domain.Generation(rapid.IntRange(1, 2).Draw(t, "generation")),
		Partition: int32(rapid.IntRange(0, 1).Draw(t, "partition")),
	}
	if direct {
		r.Source, r.Generation = "hub", 1
	}
	key := fmt.Sprint(r.Source, r.Generation, r.Partition)
	r.First, r.Next = next[key], next[key]
	for range rapid.IntRange(1, 4).Draw(t, "batches") {
		n := rapid.IntRange(1, 3).Draw(t, "records")
		if rapid.IntRange(0, 3).Draw(t, "gap") == 0 {
			r.Gaps = append(r.Gaps, domain.Gap{Span: domain.Span{First: r.Next, Next: r.Next + 1}, Reason: domain.ReasonCommitMarker})
			r.Next++
		}
		torn := direct && rapid.IntRange(0, 3).Draw(t, "torn") == 0
		r.Batches = append(r.Batches, records(r.Next, n, 0, torn))
		r.Next, r.Rows = r.Next+int64(n), r.Rows+int64(n)
	}
	next[key] = r.Next
	return r
}

// drawCommit places the rows of an ingest event in the hub; rows that it leaves out are not
// carried.
func drawCommit(t *rapid.T, seq domain.Seq, ev *domain.Ingested, ends map[int32]int64) *domain.HubCommitted {
	c := &domain.HubCommitted{}
	for i := range ev.Runs {
		h := int32(rapid.IntRange(0, 2).Draw(t, "hub partition"))
		for k := range ev.Runs[i].Rows {
			if rapid.IntRange(0, 5).Draw(t, "left out") == 0 {
				continue
			}
			if n := len(c.Runs); n > 0 && c.Runs[n-1].Run == i && c.Runs[n-1].First+c.Runs[n-1].N == k {
				c.Runs[n-1].N++
			} else {
				c.Runs = append(c.Runs, domain.HubRun{Ingest: seq, Run: i, First: k, N: 1, Partition: h, Offset: ends[h]})
			}
			ends[h]++
			c.Rows, c.Bytes = c.Rows+1, c.Bytes+100
		}
		ends[h]++ // a marker
	}
	return c
}

// rowsOf lists the rows of a commit one by one, out of the gaps of their runs.
func rowsOf(c *domain.HubCommitted, ev *domain.Ingested) (out []cutRow) {
	for _, h := range c.Runs {
		r := &ev.Runs[h.Run]
		var offsets []int64
		for o := r.First; o < r.Next; o++ {
			if !slices.ContainsFunc(r.Gaps, func(g domain.Gap) bool { return g.Span.Contains(o) }) {
				offsets = append(offsets, o)
			}
		}
		for k := range h.N {
			out = append(out, cutRow{
				ingest: h.Ingest, run: h.Run, ordinal: h.First + k, source: r.Source, generation: r.Generation, partition: r.Partition,
				offset: offsets[h.First+k], hub: h.Partition, at: h.Offset + k,
			})
		}
	}
	return out
}

// drawSelection draws what is taken: nothing, one or several of the three kinds of spans.
func drawSelection(t *rapid.T) (of domain.Selection) {
	span := func() domain.Span {
		first := int64(rapid.IntRange(0, 20).Draw(t, "first"))
		return domain.Span{First: first, Next: first + int64(rapid.IntRange(1, 6).Draw(t, "len"))}
	}
	for range rapid.IntRange(0, 2).Draw(t, "seqs") {
		first := domain.Seq(rapid.IntRange(1, 6).Draw(t, "first seq"))
		of.Ingest = append(of.Ingest, domain.SeqSpan{Shard: rapid.IntRange(0, 1).Draw(t, "shard"), First: first, Last: first + domain.Seq(rapid.IntRange(0, 2).Draw(t, "more"))})
	}
	for range rapid.IntRange(0, 3).Draw(t, "cities") {
		of.Cities = append(of.Cities, domain.CitySpan{
			Source: rapid.SampledFrom([]domain.SourceID{"a", "b", "hub"}).Draw(t, "of"), Generation: domain.Generation(rapid.IntRange(0, 2).Draw(t, "gen")),
			Partition: int32(rapid.IntRange(0, 1).Draw(t, "part")), Span: span(),
		})
	}
	for range rapid.IntRange(0, 4).Draw(t, "hubs") {
		of.Hub = append(of.Hub, domain.HubSpan{Partition: int32(rapid.IntRange(0, 2).Draw(t, "hub")), Span: span()})
	}
	return of
}

// takes is what a selection means, row by row.
func takes(of *domain.Selection, r *cutRow) bool {
	ingest, city, hub := len(of.Ingest) == 0, len(of.Cities) == 0, len(of.Hub) == 0
	for _, s := range of.Ingest {
		ingest = ingest || s.Shard == cutShard && s.First <= r.ingest && r.ingest <= s.Last
	}
	for _, s := range of.Cities {
		city = city || s.Source == r.source && (s.Generation == 0 || s.Generation == r.generation) && s.Partition == r.partition && s.Span.Contains(r.offset)
	}
	for _, s := range of.Hub {
		hub = hub || s.Partition == r.hub && s.Span.Contains(r.at)
	}
	return ingest && city && hub
}

// TestCut: a Cutter takes the rows that the selection means, each at its place, whatever it
// skips between two commits, and leaves the commit that it is given alone.
func TestCut(t *testing.T) {
	for name, direct := range map[string]bool{"cities": false, "hub": true} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				w, of := drawCutWorld(t, direct), drawSelection(t)
				cut := projections.NewCutter(w.j, cutShard, of)
				defer cut.Close()
				for i, c := range w.commits {
					if rapid.IntRange(0, 3).Draw(t, "skipped") == 0 {
						continue
					}
					before := slices.Clone(c.Runs)
					got, err := cut.Cut(t.Context(), c)
					if err != nil {
						t.Fatal(err)
					}
					checkCut(t, &of, c, got, w.rows[i])
					if d := cmp.Diff(before, c.Runs); d != "" {
						t.Errorf("the commit was changed: %s", d)
					}
				}
			})
		})
	}
}

// checkCut compares what is left of a commit with the model.
func checkCut(t *rapid.T, of *domain.Selection, c, got *domain.HubCommitted, rows []cutRow) {
	var want, have []string
	for i := range rows {
		if takes(of, &rows[i]) {
			want = append(want, fmt.Sprint(rows[i].ingest, rows[i].run, rows[i].ordinal, rows[i].hub, rows[i].at))
		}
	}
	for _, r := range got.Runs {
		if r.N < 1 {
			t.Errorf("an empty run: %+v", r)
		}
		for k := range r.N {
			have = append(have, fmt.Sprint(r.Ingest, r.Run, r.First+k, r.Partition, r.Offset+k))
		}
	}
	if d := cmp.Diff(want, have); d != "" || got.Rows != int64(len(want)) {
		t.Errorf("%+v of %+v: %d rows, want %d: %s", of, c.Runs, got.Rows, len(want), d)
	}
	if got.Bytes < 0 || got.Bytes > c.Bytes || (got.Rows == c.Rows) != (got.Bytes == c.Bytes) && c.Bytes > 0 && got.Rows > 0 {
		t.Errorf("%d bytes for %d of %d rows of %d bytes", got.Bytes, got.Rows, c.Rows, c.Bytes)
	}
}

// TestCutAll: where all is taken the commit is the one that was given, and the journal is not
// read.
func TestCutAll(t *testing.T) {
	cut := projections.NewCutter(cutNothing(t), 0, domain.Selection{})
	defer cut.Close()
	c := &domain.HubCommitted{Runs: []domain.HubRun{{Ingest: 7, N: 3}}, Rows: 3}
	if got, err := cut.Cut(t.Context(), c); err != nil || got != c {
		t.Errorf("%+v, %v", got, err)
	}
}

// cutNothing is a journal without an event.
func cutNothing(t *testing.T) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), "p", journal.Options{Store: journal.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// TestCutContradicts: a commit of rows that the journal does not have is told.
func TestCutContradicts(t *testing.T) {
	j := cutNothing(t)
	w, err := j.Takeover(t.Context(), domain.Stream{Pipeline: "p", Shard: cutShard, Leg: domain.LegIngest}, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := w.Append(t.Context(), &domain.Ingested{Owned: w.Owned()})
	if err != nil {
		t.Fatal(err)
	}
	cut := projections.NewCutter(j, cutShard, domain.Selection{Cities: []domain.CitySpan{{Source: "a", Span: domain.Span{Next: 9}}}})
	defer cut.Close()
	_, err = cut.Cut(t.Context(), &domain.HubCommitted{Runs: []domain.HubRun{{Ingest: ref.Seq, N: 3}}, Rows: 3})
	var broken *journal.IntegrityError
	if !errors.As(err, &broken) || broken.Seq != ref.Seq {
		t.Errorf("error: %v", err)
	}
}
