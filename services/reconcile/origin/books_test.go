package origin

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
)

func keyOf(source domain.SourceID, g domain.Generation, partition int32) domain.PartitionKey {
	return domain.PartitionKey{Source: source, Generation: g, Partition: partition}
}

// gapRun is ten offsets: rows 0 to 4, a commit marker, an aborted batch, a hole, a row.
func (w *world) gapRun(first int64) domain.Run {
	r := w.run("nanjing", 1, 1, first, 5)
	r.Next, r.Rows = first+10, 6
	gap := func(from, to int64, reason domain.Reason) {
		r.Gaps = append(r.Gaps, domain.Gap{Span: domain.Span{First: first + from, Next: first + to}, Reason: reason})
	}
	gap(5, 6, domain.ReasonCommitMarker)
	gap(6, 8, domain.ReasonAborted)
	gap(8, 9, domain.ReasonUnexplained)
	r.Batches = append(r.Batches, dense(w.t, "nanjing", 1, first+9, 1))
	return r
}

// TestBooks: the sums, the windows and the ends while rows are on their way.
func TestBooks(t *testing.T) {
	w := newWorld(t, usual())
	base := int64(domain.WindowSize - 7)
	w.opened("nanjing", 1, base-100, base, 1)
	w.opened("wuxi", 1, 0, 0, 0)
	first := w.ingested(w.gapRun(base), w.run("wuxi", 1, 0, 0, 3)) // of two windows
	t1 := w.now
	ref, b := w.begin(domain.Exclusion{Ingest: first.Seq, Ordinal: 5, Count: 1, Offset: base + 9, Reason: domain.ExcludedTooLarge})
	w.abort(ref)
	ref, b = w.begin(b.Excluded...)
	commit := w.commit(ref, b)
	loaded := w.load(domain.Exclusion{Ingest: first.Seq, Ordinal: 1, Count: 2, Offset: base + 1, Reason: domain.ExcludedByDoris})
	w.ingested(w.run("nanjing", 1, 1, base+10, 5))
	w.carry()
	w.ingested(w.run("nanjing", 1, 1, base+15, 2))
	w.begin() // is under way
	books := w.books()
	if found, more := books.Findings(); len(found) > 0 || more > 0 {
		t.Fatalf("%+v", found)
	}

	key := keyOf("nanjing", 1, 1)
	want := &domain.Account{
		PartitionKey: key, First: base - 100, Next: base + 17, Rows: 13, Hub: 10, HubExcluded: 1, Doris: 3, DorisExcluded: 2,
		Gaps: map[domain.Reason]int64{domain.ReasonStartPolicy: 100, domain.ReasonCommitMarker: 1, domain.ReasonAborted: 2, domain.ReasonUnexplained: 1},
	}
	if diff := cmp.Diff(want, books.Accounts()[0]); diff != "" {
		t.Error(diff)
	}
	// Base 0 and partition 1, base 2 and partition 0; three offsets were lost to the abort.
	ends := Ends{
		Hub:          map[domain.PartitionKey]int64{key: base + 15, keyOf("wuxi", 1, 0): 3},
		Doris:        map[domain.PartitionKey]int64{key: base + 10, keyOf("wuxi", 1, 0): 3},
		HubSpans:     map[int32]domain.Span{1: {First: 0, Next: 11}, 2: {First: 0, Next: 3}},
		Table:        map[int32]int64{1: 6, 2: 4},
		WithoutHub:   map[domain.PartitionKey]domain.Spans{key: {{First: base + 9, Next: base + 10}}},
		WithoutDoris: map[int32]domain.Spans{1: {{First: 1, Next: 3}}},
	}
	if diff := cmp.Diff(ends, books.Ends()); diff != "" {
		t.Error(diff)
	}
	win := domain.Window{Proof: domain.ProofCityHub, Source: "nanjing", Generation: 1, Partition: 1}
	book := WindowBook{Window: win, Rows: 5, From: t1, To: t1, Gaps: map[domain.Reason]GapBook{
		domain.ReasonCommitMarker: {Runs: 1, Offsets: 1, Bounds: domain.Span{First: base + 5, Next: base + 6}, Spans: []domain.Span{{First: base + 5, Next: base + 6}}},
		domain.ReasonAborted:      {Runs: 1, Offsets: 1, Bounds: domain.Span{First: base + 6, Next: base + 7}, Spans: []domain.Span{{First: base + 6, Next: base + 7}}},
	}}
	book.Ingest.First, book.Ingest.Last, book.Commits.First, book.Commits.Last = first.Seq, first.Seq, commit.Seq, commit.Seq
	if diff := cmp.Diff(&book, books.Window(win)); diff != "" {
		t.Error(diff)
	}
	win.Index = 1
	if got := books.Window(win); got.Rows != 8 || got.Excluded != 1 || got.From != t1 || got.To != w.now-7000 || got.Innocent() {
		t.Errorf("%+v", got)
	}
	gaps := []report.Gap{
		{Source: "nanjing", Generation: 1, Partition: 1, Reason: "aborted", First: base + 7, Next: base + 8, Runs: 1, Offsets: 1},
		{Source: "nanjing", Generation: 1, Partition: 1, Reason: "unexplained", First: base + 8, Next: base + 9, Runs: 1, Offsets: 1},
	}
	if diff := cmp.Diff(gaps, books.Window(win).ReportGaps()); diff != "" {
		t.Error(diff)
	}
	if hub := books.Window(domain.Window{Proof: domain.ProofHubDoris, Partition: 1}); hub.Rows != 10 || hub.Excluded != 2 || hub.Commits.First != commit.Seq || hub.From != t1 {
		t.Errorf("%+v", hub)
	}
	if diff := cmp.Diff(Intents{Begun: 4, Committed: 2, Aborted: 1, Open: 1}, books.IntentsOf(domain.LegHub)); diff != "" || !books.IntentsOf(domain.LegHub).AddUp() {
		t.Error(diff)
	}
	var states []string
	for _, o := range books.Outcomes() {
		states = append(states, o.Kind+" "+o.State)
		if o.Kind == "doris load" && (o.Label == "" || domain.Ref(o.Ref) != loaded) {
			t.Errorf("%+v", o)
		}
	}
	if diff := cmp.Diff([]string{"hub transaction aborted", "hub transaction committed", "hub transaction committed", "doris load visible"}, states); diff != "" {
		t.Error(diff)
	}
}

// TestBooksGrow: read in any steps the books are the same as read at once, and forget what is
// over.
func TestBooksGrow(t *testing.T) {
	w := newWorld(t, usual())
	w.opened("nanjing", 1, 0, 0, 1)
	o := w.open()
	grown := o.NewBooks(0)
	step := func() { must(t, grown.Read(w.ctx, w.tails(o))) }
	step()
	for i := range int64(4) {
		w.ingested(w.gapRun(10 * i))
		step()
		ref, b := w.begin()
		step()
		if i == 1 {
			w.abort(ref)
			w.takeover()
			ref, b = w.begin()
		}
		w.commit(ref, b)
		step()
		if i%2 == 1 {
			w.load()
			step()
		}
	}
	at := w.books()
	if diff := cmp.Diff(at.Accounts(), grown.Accounts()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(at.Windows(domain.ProofCityHub), grown.Windows(domain.ProofCityHub)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(at.Windows(domain.ProofHubDoris), grown.Windows(domain.ProofHubDoris)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(at.Ends(), grown.Ends()); diff != "" {
		t.Error(diff)
	}
	if len(grown.notes)+len(grown.commits)+len(grown.intents)+len(grown.loads) > 0 {
		t.Errorf("kept: %d notes, %d commits, %d intents, %d loads", len(grown.notes), len(grown.commits), len(grown.intents), len(grown.loads))
	}
	if a := grown.Accounts()[0]; a.Rows != 24 || a.Hub != 24 || a.Doris != 24 {
		t.Errorf("%+v", a)
	}
}

// TestJournalBroken: each rule of the ingest stream that is broken is a finding at its offsets.
func TestJournalBroken(t *testing.T) {
	for name, c := range map[string]struct {
		runs   func(w *world) []domain.Run
		class  domain.Class
		offset int64
	}{
		"offsets are left out": {func(w *world) []domain.Run { return []domain.Run{w.run("nanjing", 1, 1, 12, 3)} }, domain.Lost, 10},
		"offsets come twice":   {func(w *world) []domain.Run { return []domain.Run{w.run("nanjing", 1, 1, 8, 5)} }, domain.Doubled, 8},
		"twice in one event": {func(w *world) []domain.Run {
			return []domain.Run{w.run("nanjing", 1, 1, 10, 3), w.run("nanjing", 1, 1, 12, 3)}
		}, domain.Doubled, 12},
		"a partition that nobody opened": {func(w *world) []domain.Run { return []domain.Run{w.run("nanjing", 1, 3, 0, 3)} }, domain.Strayed, 0},
		"a former generation":            {func(w *world) []domain.Run { return []domain.Run{w.run("nanjing", 1, 2, 5, 3)} }, domain.Former, 5},
		"fewer rows than announced": {func(w *world) []domain.Run {
			r := w.run("nanjing", 1, 1, 10, 10)
			r.Batches = r.Batches[:1]
			return []domain.Run{r}
		}, domain.Unexplained, 10},
		"rows that are gaps": {func(w *world) []domain.Run {
			r := w.run("nanjing", 1, 1, 10, 5)
			r.Rows, r.Gaps = 4, []domain.Gap{{Span: domain.Span{First: 12, Next: 13}, Reason: domain.ReasonAborted}}
			return []domain.Run{r}
		}, domain.Unexplained, 10},
		"sums that are none": {func(w *world) []domain.Run {
			r := w.run("nanjing", 1, 1, 10, 5)
			r.Next++
			return []domain.Run{r}
		}, domain.Unexplained, 10},
		"a gap outside": {func(w *world) []domain.Run {
			r := w.run("nanjing", 1, 1, 10, 5)
			r.Next, r.Gaps = 16, []domain.Gap{{Span: domain.Span{First: 16, Next: 17}, Reason: domain.ReasonAborted}}
			return []domain.Run{r}
		}, domain.Unexplained, 16},
		"no batches": {func(w *world) []domain.Run {
			r := w.run("nanjing", 1, 1, 10, 5)
			r.Batches = [][]byte{[]byte("rubbish")}
			return []domain.Run{r}
		}, domain.Unexplained, 10},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, usual())
			w.opened("nanjing", 1, 0, 0, 1, 2)
			w.ingested(w.run("nanjing", 1, 1, 0, 10), w.run("nanjing", 1, 2, 0, 5))
			w.opened("nanjing", 2, 0, 0, 2)
			w.ingested(c.runs(w)...)
			found, _ := w.books().Findings()
			if len(found) != 1 || found[0].Class != c.class || found[0].Row.City.Offset != c.offset || found[0].Where != "journal" || found[0].City != "320100" {
				t.Errorf("%+v", found)
			}
		})
	}
}

// TestPositionMap: the map in an event is what its runs come to.
func TestPositionMap(t *testing.T) {
	w := newWorld(t, usual())
	w.opened("nanjing", 1, 0, 0, 1)
	r := w.run("nanjing", 1, 1, 0, 10)
	w.append(w.ingest, &domain.Ingested{Owned: w.ingest.Owned(), ExtractTime: w.now, Runs: []domain.Run{r}, Positions: []domain.Position{
		{Source: "nanjing", Generation: 1, Partition: 1, Next: 11},
	}})
	w.append(w.ingest, &domain.Ingested{Owned: w.ingest.Owned(), ExtractTime: w.now - 1, Positions: []domain.Position{
		{Source: "nanjing", Generation: 1, Partition: 1, Next: 10},
	}})
	found, _ := w.books().Findings()
	if len(found) != 2 || found[0].Row.City.Offset != 11 || found[1].Row.City.Offset != -1 { // the second is the time, which fell
		t.Errorf("%+v", found)
	}
}

// TestIntentsBroken: outcomes without an intent, and what names nothing.
func TestIntentsBroken(t *testing.T) {
	w := newWorld(t, usual())
	w.opened("nanjing", 1, 0, 0, 1)
	w.ingested(w.run("nanjing", 1, 1, 0, 10))
	ref, b := w.begin()
	w.commit(ref, b)
	w.append(w.hub, &domain.HubAborted{Owned: w.hub.Owned(), Begun: ref, Why: "again"})
	w.append(w.hub, &domain.HubCommitted{Owned: w.hub.Owned(), Begun: ref, Cursor: b.Last, Rows: 3, Time: b.Time})
	load := w.load(domain.Exclusion{Ingest: 4, Run: 7, Count: 1, Reason: domain.ExcludedByDoris})
	w.append(w.doris, &domain.DorisCommitted{Owned: w.doris.Owned(), Begun: domain.Ref{Stream: load.Stream, Seq: load.Seq - 2}})
	found, _ := w.books().Findings()
	if len(found) != 4 { // two outcomes of a hub intent that is over, a row left out that is not there, a load that is over
		t.Errorf("%d: %+v", len(found), found)
	}
}

// TestFindingsAreBounded: a journal that is wrong throughout is not held in memory.
func TestFindingsAreBounded(t *testing.T) {
	b := newWorld(t, usual()).open().NewBooks(0)
	for o := range int64(2 * keptFindings) {
		b.find(finding(domain.Lost, keyOf("x", 1, 1), "", o, "x"))
		b.find(finding(domain.Lost, keyOf("x", 1, 1), "", o, "the same"))
	}
	found, more := b.Findings()
	if len(found) != keptFindings || more < keptFindings {
		t.Errorf("%d, %d more", len(found), more)
	}
}

// TestLongGaps: a gap over many windows costs two.
func TestLongGaps(t *testing.T) {
	w := newWorld(t, usual())
	w.opened("nanjing", 1, 0, 0, 1)
	far := int64(1) << 50
	w.ingested(domain.Run{
		Source: "nanjing", Generation: 1, Partition: 1, Next: far + 2, Rows: 2,
		Gaps:    []domain.Gap{{Span: domain.Span{First: 1, Next: far + 1}, Reason: domain.ReasonDeleted}},
		Batches: [][]byte{dense(t, "nanjing", 1, 0, 1), dense(t, "nanjing", 1, far+1, 1)},
	})
	w.carry()
	w.fine()
	windows := w.books().Windows(domain.ProofCityHub)
	if len(windows) != 2 || windows[0].Rows != 1 || windows[1].Rows != 1 || windows[0].Gaps[domain.ReasonDeleted].Offsets+windows[1].Gaps[domain.ReasonDeleted].Offsets != far {
		t.Errorf("%+v", windows)
	}
}

// TestManyGaps: those of a reason beyond a few are listed as one.
func TestManyGaps(t *testing.T) {
	w := newWorld(t, usual())
	w.opened("nanjing", 1, 0, 0, 1)
	for i := range int64(keptGaps + 3) {
		w.ingested(w.gapRun(10 * i))
	}
	gaps := w.books().Windows(domain.ProofCityHub)[0].ReportGaps()
	n := int64(keptGaps + 3)
	want := []report.Gap{
		{Source: "nanjing", Generation: 1, Partition: 1, Reason: "commit_marker", First: 5, Next: 10*n - 4, Runs: n, Offsets: n},
		{Source: "nanjing", Generation: 1, Partition: 1, Reason: "aborted", First: 6, Next: 10*n - 2, Runs: n, Offsets: 2 * n},
		{Source: "nanjing", Generation: 1, Partition: 1, Reason: "unexplained", First: 8, Next: 10*n - 1, Runs: n, Offsets: n},
	}
	if diff := cmp.Diff(want, gaps); diff != "" {
		t.Error(diff)
	}
}

// TestSparse: of a batch with holes that reaches over both ends of its run, the records inside
// count.
func TestSparse(t *testing.T) {
	w := newWorld(t, usual())
	w.opened("nanjing", 1, 0, 2, 1)
	r := domain.Run{Source: "nanjing", Generation: 1, Partition: 1, First: 2, Next: 9, Rows: 2}
	for _, at := range []domain.Span{{First: 2, Next: 3}, {First: 4, Next: 7}, {First: 8, Next: 9}} {
		r.Gaps = append(r.Gaps, domain.Gap{Span: at, Reason: domain.ReasonCompacted})
	}
	r.Batches = [][]byte{batchOf(t, 0, 4, sent{value: []byte("0")}, sent{delta: 3, value: []byte("3")}, sent{delta: 7, value: []byte("7")}, sent{delta: 9, value: []byte("9")})}
	w.ingested(r)
	w.carry()
	w.fine()
	rows, _ := w.scanned()
	if len(rows) != 2 || rows[0].Value != "3" || rows[0].Offset != 3 || rows[1].Offset != 7 || rows[1].Hub.Offset != 1 {
		t.Errorf("%+v", rows)
	}
}

// TestRowsAnnounced: what a commit says of its rows as a whole is what its runs have.
func TestRowsAnnounced(t *testing.T) {
	w := newWorld(t, usual())
	w.opened("nanjing", 1, 0, 0, 1)
	w.ingested(w.run("nanjing", 1, 1, 0, 10))
	ref, b := w.begin()
	w.commit(ref, b, func(c *domain.HubCommitted) { c.Rows++ })
	if found, _ := w.books().Findings(); len(found) != 1 || found[0].Class != domain.Unexplained {
		t.Errorf("%+v", found)
	}
}
