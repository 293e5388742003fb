package doris_test

import (
	"bytes"
	"crypto/sha256"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections/doris"
)

// unbearable marks a record of a test that the table must not get.
const unbearable = math.MaxInt64

// TestExcludes: rows that no DATETIME and no STRING holds are left out, listed in the
// intent that committed, and counted; those beside them arrive.
func TestExcludes(t *testing.T) {
	w := newWorld(t, duplicate)
	w.cfg.MaxRecordBytes = 300
	w.opened()
	p := w.start()
	p.until(w.Feed())

	bad := w.plain("nanjing", 0, 8)
	bad.records[0].ts = unbearable    // beyond year 9999
	bad.records[3].ts = math.MinInt64 // of a batch whose header does not tell
	bad.records[4].value = bytes.Repeat([]byte{0xFF}, 101)
	bad.records[5].value = bytes.Repeat([]byte{0xFF}, 100)
	bad.hubParts = [][2]int64{{0, 2}, {3, 5}} // the hub left out ordinal 2
	first := w.at(bad)
	w.lose = map[int64]bool{4: true}
	at := w.feed(bad, w.plain("wuxi", 1, 2))
	w.lose = nil
	p.until(at)

	// Nothing but misfits: the cursor moves without a load.
	only := w.plain("wuxi", 0, 1)
	only.records[0].ts = unbearable
	p.until(w.feed(only))
	p.until(w.Feed())
	w.Tally()
	p.stop() // the status counts a moment after the journal
	if s := p.reporter.Status(); s.Excluded != 4 {
		t.Errorf("status counts %d excluded rows", s.Excluded)
	}

	ingest := w.history(domain.LegIngest)
	seq := ingest[len(ingest)-3].Seq
	x := func(ordinal int64, reason string) domain.Exclusion {
		return domain.Exclusion{
			Ingest: seq, Ordinal: ordinal, Count: 1, Offset: first + ordinal, Reason: reason, Digest: sha256.Sum256(bad.records[ordinal].value),
		}
	}
	want := []domain.Exclusion{x(0, domain.ExcludedTimestamp), x(3, domain.ExcludedTimestamp), x(4, domain.ExcludedTooLargeDoris)}
	if got := w.kinds(); !slices.Equal(got[3:8], []domain.Kind{begun, aborted, begun, prepared, committed}) || !slices.Equal(got[8:10], []domain.Kind{begun, committed}) {
		t.Errorf("stream holds %v", got)
	}
	intents := events[*domain.DorisBegun](w)
	if d := cmp.Diff(want, intents[2].Excluded); d != "" || len(intents[1].Excluded) != 0 || len(intents[3].Excluded) != 1 {
		t.Errorf("excluded: %s", d)
	}
	if c := events[*domain.DorisCommitted](w)[2]; c.How != "nothing to load" || c.Rows != 0 {
		t.Errorf("committed without a load: %+v", c)
	}
}

// TestBounds: the bounds lie where the text of a timestamp stops to have a year of four
// digits, in each zone.
func TestBounds(t *testing.T) {
	for _, zone := range []string{"UTC", zoneName, "America/New_York", "Pacific/Apia"} {
		loc, err := time.LoadLocation(zone)
		must(t, err)
		for _, at := range []time.Time{time.Date(0, 1, 1, 0, 0, 0, 0, loc), time.Date(10_000, 1, 1, 0, 0, 0, 0, loc)} {
			for d := int64(-2); d < 2; d++ {
				ms := at.UnixMilli() + d
				text := flink.AppendTimestampMillis(nil, ms, loc)
				fits := text[0] != '+' && text[0] != '-'
				if reason := doris.Refuses(loc, 300, &batch.Record{Timestamp: ms}); (reason == "") != fits {
					t.Errorf("%s in %s: %q", text, zone, reason)
				}
			}
		}
	}
	for _, c := range []struct {
		value string
		fits  bool
	}{{string(bytes.Repeat([]byte("x"), 300)), true}, {string(bytes.Repeat([]byte("x"), 301)), false}, {string(bytes.Repeat([]byte("长"), 100)), true}, {string(bytes.Repeat([]byte("长"), 100)) + "x", false}} {
		if reason := doris.Refuses(time.UTC, 300, &batch.Record{Value: []byte(c.value)}); (reason == "") != c.fits {
			t.Errorf("%d bytes: %q", len(c.value), reason)
		}
	}
}
