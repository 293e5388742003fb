package origin

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// TestScan: a row with all that the hub and Doris must have of it.
func TestScan(t *testing.T) {
	w := newWorld(t, usual())
	w.opened("wuxi", 1, 0, 40, 3)
	ingest := w.ingested(w.run("wuxi", 1, 3, 40, 7))
	commit := w.carry()
	rows, found := w.scanned()
	if len(found) > 0 || len(rows) != 7 {
		t.Fatalf("%d rows, %+v", len(rows), found)
	}
	want := Expected{
		Row: proof.Row{
			Offset: 46, Generation: 1, Hub: domain.Coord{Partition: 1, Offset: 6, Timestamp: int64(w.now) / 1000},
			Text: [proof.Columns]string{
				proof.City: "320200", proof.CityPartition: "3", proof.CityOffset: "46", proof.CityTime: "2025-11-25 00:00:00.046",
				proof.HubPartition: "1", proof.HubOffset: "6", proof.HubTime: "2025-11-25 00:00:01.007", proof.ExtractTime: "2025-11-25 00:00:01.000001",
				proof.Record: valueOf("wuxi", 3, 46),
			},
		},
		Source: "wuxi", City: domain.Coord{Partition: 3, Offset: 46, Timestamp: timeOf + 46}, Extract: w.now - 7000,
		Ingest: ingest.Seq, Ordinal: 6, Commit: commit.Seq, Value: valueOf("wuxi", 3, 46),
	}
	if diff := cmp.Diff(want, rows[6]); diff != "" {
		t.Error(diff)
	}
	for i := range rows {
		if rows[i].Offset != int64(40+i) || rows[i].Hub.Offset != int64(i) {
			t.Errorf("row %d: %+v", i, rows[i])
		}
	}
	w.fine()
}

// said is a finding without its words.
func said(found []domain.Finding) (out []domain.Finding) {
	for _, f := range found {
		f.Detail = ""
		if f.Row.City.Offset < 0 && f.Row.Hub.Offset < 0 {
			f.Column = "" // the event
		}
		out = append(out, f)
	}
	return out
}

func at(class domain.Class, column string, cityOffset, cityTime int64, hub domain.Coord) domain.Finding {
	return domain.Finding{
		Class: class, Where: "journal", Source: "nanjing", Generation: 1, City: "320100", Column: column,
		Row: domain.Lineage{City: domain.Coord{Partition: 1, Offset: cityOffset, Timestamp: cityTime}, Hub: hub},
	}
}

func nowhere() domain.Coord { return domain.Coord{Partition: -1, Offset: -1, Timestamp: -1} }

// TestScanFindings: each way in which a commit can be wrong about its rows is a finding at the
// row, and only there.
func TestScanFindings(t *testing.T) {
	hub := func(w *world, partition int32, offset int64) domain.Coord {
		return domain.Coord{Partition: partition, Offset: offset, Timestamp: int64(w.now) / 1000}
	}
	for name, c := range map[string]struct {
		change func(*domain.HubCommitted)
		want   func(w *world) []domain.Finding
		rows   int // of ten
	}{
		"a row is neither carried nor left out": {
			func(c *domain.HubCommitted) {
				last := c.Runs[len(c.Runs)-1]
				c.Runs[len(c.Runs)-1].N = 4
				last.First, last.N, last.Offset = last.First+5, last.N-5, last.Offset+4
				c.Runs = append(c.Runs, last)
			},
			func(*world) []domain.Finding { return []domain.Finding{at(domain.Lost, "", 4, timeOf+4, nowhere())} }, 9,
		},
		"the last rows are not carried": {
			func(c *domain.HubCommitted) { c.Runs[0].N = 8 },
			func(*world) []domain.Finding {
				return []domain.Finding{at(domain.Lost, "", 8, timeOf+8, nowhere()), at(domain.Lost, "", 9, timeOf+9, nowhere())}
			}, 8,
		},
		"a row is carried twice": {
			func(c *domain.HubCommitted) {
				c.Runs = append(c.Runs, domain.HubRun{Ingest: c.Runs[0].Ingest, First: 3, N: 1, Partition: 1, Offset: 10})
			},
			func(w *world) []domain.Finding {
				return []domain.Finding{at(domain.Doubled, "", 3, timeOf+3, hub(w, 1, 10))}
			}, 10,
		},
		"a row is carried and left out": {
			func(c *domain.HubCommitted) {
				c.Excluded = []domain.Exclusion{{Ingest: c.Runs[0].Ingest, Ordinal: 9, Count: 1, Offset: 9, Reason: domain.ExcludedTooLarge}}
			},
			func(*world) []domain.Finding { return []domain.Finding{at(domain.Doubled, "", 9, timeOf+9, nowhere())} }, 10,
		},
		"rows that the run has not": {
			func(c *domain.HubCommitted) { c.Runs[0].N = 12 },
			func(w *world) []domain.Finding {
				return []domain.Finding{at(domain.Strayed, "", -1, -1, hub(w, 1, 10))}
			}, 10,
		},
		"another hub partition": {
			func(c *domain.HubCommitted) { c.Runs[0].Partition = 2 },
			func(w *world) []domain.Finding {
				return []domain.Finding{at(domain.Altered, "hw_partition_id", 0, -1, hub(w, 2, 0))}
			}, 10,
		},
		"a run that is not there": {
			func(c *domain.HubCommitted) {
				c.Runs = append(c.Runs, domain.HubRun{Ingest: c.Runs[0].Ingest, Run: 1, N: 1, Partition: 1, Offset: 10})
			},
			func(*world) []domain.Finding {
				return []domain.Finding{{Class: domain.Unexplained, Where: "journal", Row: domain.Lineage{City: nowhere(), Hub: nowhere()}}}
			}, 10,
		},
		"no rows": {
			func(c *domain.HubCommitted) {
				c.Runs = append(c.Runs, domain.HubRun{Ingest: c.Runs[0].Ingest, Partition: 1, Offset: 10})
			},
			func(*world) []domain.Finding {
				return []domain.Finding{{Class: domain.Unexplained, Where: "journal", Row: domain.Lineage{City: nowhere(), Hub: nowhere()}}}
			}, 10,
		},
		"an event beyond the intent": {
			func(c *domain.HubCommitted) {
				c.Runs = append(c.Runs, domain.HubRun{Ingest: c.Runs[0].Ingest + 7, N: 1, Partition: 1, Offset: 10})
			},
			func(*world) []domain.Finding {
				return []domain.Finding{{Class: domain.Unexplained, Where: "journal", Row: domain.Lineage{City: nowhere(), Hub: nowhere()}}}
			}, 10,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, usual())
			w.opened("nanjing", 1, 0, 0, 1)
			w.ingested(w.run("nanjing", 1, 1, 0, 10))
			ref, b := w.begin()
			w.commit(ref, b, c.change)
			rows, found := w.scanned()
			if diff := cmp.Diff(c.want(w), said(found)); diff != "" {
				t.Errorf("%+v\n%s", found, diff)
			}
			if len(rows) != c.rows {
				t.Errorf("%d rows", len(rows))
			}
		})
	}
}

// TestHubOffsets: an offset of the hub is given once, and they rise.
func TestHubOffsets(t *testing.T) {
	for name, c := range map[string]struct {
		offset int64
		want   domain.Class
	}{"again": {7, domain.Doubled}, "falls": {3, domain.Reordered}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, usual())
			w.opened("nanjing", 1, 0, 0, 1)
			for i := range int64(3) {
				w.ingested(w.run("nanjing", 1, 1, 4*i, 4))
				ref, b := w.begin()
				w.commit(ref, b, func(h *domain.HubCommitted) {
					if i == 2 {
						h.Runs[0].Offset = c.offset
						if c.want == domain.Reordered {
							h.Runs[0].Offset = 0
						}
					}
				})
			}
			_, found := w.scanned()
			if len(found) != 1 || found[0].Class != c.want || found[0].Row.Hub.Partition != 1 {
				t.Errorf("%+v", found)
			}
		})
	}
}

// TestPassedOver: a commit that begins behind ingest events that no commit carried.
func TestPassedOver(t *testing.T) {
	w := newWorld(t, usual())
	w.opened("nanjing", 1, 0, 0, 1)
	w.ingested(w.run("nanjing", 1, 1, 0, 3))
	w.carry()
	w.lastCommit = w.ingested(w.run("nanjing", 1, 1, 3, 3))
	w.ingested(w.run("nanjing", 1, 1, 6, 3))
	w.carry()
	rows, found := w.scanned()
	if len(found) != 1 || found[0].Class != domain.Unexplained || len(rows) != 6 {
		t.Errorf("%d rows, %+v", len(rows), found)
	}
}

// TestExcluded: rows that are left out before the hub are said to be, with the reason, and those
// around them keep their places; a batch that does not decode is left out whole.
func TestExcluded(t *testing.T) {
	w := newWorld(t, usual())
	w.opened("nanjing", 1, 0, 0, 1)
	r := w.run("nanjing", 1, 1, 0, 15)
	r.Batches[1][len(r.Batches[1])-1] = 2 // a header that is not there
	reseal(r.Batches[1])
	ref := w.ingested(r)
	begun, b := w.begin(
		domain.Exclusion{Ingest: ref.Seq, Ordinal: 2, Count: 1, Offset: 2, Reason: domain.ExcludedTooLarge},
		domain.Exclusion{Ingest: ref.Seq, Ordinal: 5, Count: 5, Offset: 5, Reason: domain.ExcludedUndecodable},
		domain.Exclusion{Ingest: ref.Seq, Ordinal: 14, Count: 1, Offset: 14, Reason: domain.ExcludedUnacknowledged},
	)
	w.commit(begun, b)
	rows, found := w.scanned()
	if len(found) > 0 || len(rows) != 15 {
		t.Fatalf("%d rows, %+v", len(rows), found)
	}
	next := int64(0)
	for o, r := range rows {
		want := map[int]string{2: domain.ExcludedTooLarge, 14: domain.ExcludedUnacknowledged}[o]
		if o >= 5 && o < 10 {
			want = domain.ExcludedUndecodable
		}
		if r.Offset != int64(o) || r.Excluded != want || (want == "") == (r.Hub.Offset < 0) {
			t.Errorf("row %d: %+v", o, r)
		}
		if want == "" {
			if r.Hub.Offset != next {
				t.Errorf("row %d is at %d, want %d", o, r.Hub.Offset, next)
			}
			next++
		}
	}
	books := w.books()
	for _, excluded := range []bool{false, true} {
		n := 0
		in := proof.Range{Window: books.Windows(domain.ProofCityHub)[0].Window, Span: domain.Span{First: 1, Next: 15}}
		must(t, books.Carried(excluded).Rows(w.ctx, in, func(proof.Row) error { n++; return nil }))
		if want := map[bool]int{false: 7, true: 14}[excluded]; n != want {
			t.Errorf("%d rows carried, want %d", n, want)
		}
	}
	key := domain.PartitionKey{Source: "nanjing", Generation: 1, Partition: 1}
	if diff := cmp.Diff(domain.Spans{{First: 2, Next: 3}, {First: 5, Next: 10}, {First: 14, Next: 15}}, books.Ends().WithoutHub[key]); diff != "" {
		t.Error(diff)
	}
	if found, _ := books.Findings(); len(found) > 0 || books.Windows(domain.ProofCityHub)[0].Excluded != 7 {
		t.Errorf("%+v", found)
	}
}

// TestUndecodable: of rows that the hub has and that do not decode here, the places are known
// and nothing else; a checksum that does not hold is a finding too.
func TestUndecodable(t *testing.T) {
	for _, torn := range []bool{false, true} {
		w := newWorld(t, usual())
		w.opened("nanjing", 1, 0, 0, 1)
		r := w.run("nanjing", 1, 1, 0, 5)
		r.Batches[0][len(r.Batches[0])-1] = 2
		if !torn {
			reseal(r.Batches[0])
		}
		w.ingested(r)
		w.carry()
		rows, found := w.scanned()
		if len(rows) != 5 || rows[4].Hub.Offset != 4 || rows[4].Unread != proof.MaskOf(proof.CityTime, proof.Record) || rows[4].Why == "" {
			t.Errorf("%+v", rows)
		}
		if torn != (len(found) == 1 && found[0].Class == domain.Altered) {
			t.Errorf("torn %v: %+v", torn, found)
		}
	}
}

// TestFormats: what of a row cannot be said is said to be unread, and nothing of it is made up.
func TestFormats(t *testing.T) {
	for name, c := range map[string]struct {
		format domain.SourceFormat
		text   string
		unread proof.Mask
	}{
		"utf-8":  {domain.SourceFormat{}, "a�z", 0},
		"latin1": {domain.SourceFormat{Charset: "ISO-8859-1"}, "aÿz", 0},
		"base64": {domain.SourceFormat{Binary: true}, "Yf96", 0},
		"gbk":    {domain.SourceFormat{Charset: "GBK"}, "", proof.MaskOf(proof.Record)},
		"json":   {domain.SourceFormat{Kind: domain.FormatJSON}, "", proof.MaskOf(proof.Record)},
	} {
		t.Run(name, func(t *testing.T) {
			config := usual()
			config.Sources[0].Format = c.format
			w := newWorld(t, config)
			w.opened("nanjing", 1, 0, 0, 1)
			b := batchOf(t, 0, 0, sent{ms: 1, value: []byte("a\xffz")}, sent{delta: 1, ms: 2}, sent{delta: 2, ms: 3, value: []byte{}})
			w.ingested(domain.Run{Source: "nanjing", Generation: 1, Partition: 1, Next: 3, Rows: 3, Batches: [][]byte{b}})
			w.carry()
			rows, found := w.scanned()
			if len(found) > 0 || len(rows) != 3 {
				t.Fatalf("%d rows, %+v", len(rows), found)
			}
			for i, r := range rows {
				want := []string{c.text, "", ""}[i]
				if r.Text[proof.Record] != want || r.Unread != c.unread || (r.Why == "") != (c.unread == 0) || r.Null.Has(proof.Record) != (i == 1) {
					t.Errorf("row %d: %+v", i, r)
				}
			}
			if rows[0].Value != "a\xffz" {
				t.Errorf("value %q", rows[0].Value)
			}
		})
	}
}

// TestDirect: where the hub topic is the source, each row is where it was read.
func TestDirect(t *testing.T) {
	config := usual()
	config.Direct, config.Sources = true, []domain.SourceConfig{{ID: "hub", Topic: "hub"}}
	w := newWorld(t, config)
	w.opened("hub", 1, 0, 0, 0, 1)
	r := w.run("hub", 1, 1, 0, 5)
	r.Next, r.Gaps = 6, []domain.Gap{{Span: domain.Span{First: 5, Next: 6}, Reason: domain.ReasonCommitMarker}}
	w.ingested(w.run("hub", 1, 0, 0, 2), r)
	w.load(domain.Exclusion{Ingest: 4, Run: 1, Ordinal: 3, Count: 1, Offset: 3, Reason: domain.ExcludedByDoris})
	rows, found := w.scanned()
	if len(found) > 0 || len(rows) != 7 {
		t.Fatalf("%d rows, %+v", len(rows), found)
	}
	want := Expected{
		Row: proof.Row{
			Offset: 4, Generation: 1, Hub: domain.Coord{Partition: 1, Offset: 4, Timestamp: timeOf + 4},
			Text: [proof.Columns]string{proof.HubPartition: "1", proof.HubOffset: "4", proof.HubTime: "2025-11-25 00:00:00.004"},
		},
		Source: "hub", City: domain.Coord{Partition: 1, Offset: 4, Timestamp: timeOf + 4}, Extract: w.now, Ingest: 4, Run: 1, Ordinal: 4,
		Unread: directUnread, Why: directWhy, Value: valueOf("hub", 1, 4),
	}
	if diff := cmp.Diff(want, rows[6]); diff != "" {
		t.Error(diff)
	}
	b := w.books()
	key := domain.PartitionKey{Source: "hub", Generation: 1, Partition: 1}
	a, ends := b.accounts[key], b.Ends()
	if a.Rows != 5 || a.Hub != 5 || a.Doris != 4 || a.DorisExcluded != 1 || ends.Doris[key] != 6 || ends.Hub[key] != 6 || !ends.WithoutDoris[1].Contains(3) {
		t.Errorf("%+v, %+v", a, ends)
	}
	if found, _ := b.Findings(); len(found) > 0 || len(b.Windows(domain.ProofCityHub)) > 0 || len(b.Windows(domain.ProofHubDoris)) != 2 {
		t.Errorf("%+v", found)
	}
}
