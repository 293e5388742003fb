package doris

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
)

// bounds is what the table's columns can hold of a city's record. It is pure: a later
// owner decides the same.
type bounds struct {
	first, last int64 // timestamps in milliseconds, both included
	text        int   // bytes of the column record
	city        int   // and of sscsdm, which matters where the hub's rows say it
}

// newBounds takes the years 0000 to 9999 on the wall clock of a zone: the range of a
// DATETIME (Doris documentation, "DATETIME").
func newBounds(zone *time.Location, text int) bounds {
	return bounds{
		first: time.Date(0, 1, 1, 0, 0, 0, 0, zone).UnixMilli(),
		last:  time.Date(10_000, 1, 1, 0, 0, 0, 0, zone).UnixMilli() - 1,
		text:  text, city: maxVarchar,
	}
}

// refuses is why the table cannot hold a record of a timestamp and a text, empty when it
// can.
func (b *bounds) refuses(timestamp int64, text []byte) string {
	if timestamp < b.first || timestamp > b.last {
		return domain.ExcludedTimestamp
	}
	// A malformed byte becomes three; only near the bound is the text made to measure it.
	if 3*len(text) > b.text && len(flink.JavaText(nil, text)) > b.text {
		return domain.ExcludedTooLargeDoris
	}
	return ""
}

// misfitError says that a row came by while a load was being sent that the table
// cannot hold and that the intent does not list.
type misfitError struct {
	ingest  domain.Seq
	run     int
	ordinal int64
	why     unfit
}

// Error names the row.
func (e *misfitError) Error() string {
	return fmt.Sprintf("row %d of run %d of ingest@%d: %s; the next load leaves it out", e.ordinal, e.run, e.ingest, e.why)
}

// unfit is why a row is left out: one of the Excluded… constants, and what can be said
// beyond it. Without a reason there is none.
type unfit struct{ reason, detail string }

// String is the reason for people.
func (u unfit) String() string {
	if u.detail == "" {
		return u.reason
	}
	return u.reason + ": " + u.detail
}

// exclusion lists a row of a piece, with its offset in its source and its value.
func exclusion(p *domain.HubRun, ordinal, offset int64, value []byte, why unfit) domain.Exclusion {
	return domain.Exclusion{
		Ingest: p.Ingest, Run: p.Run, Ordinal: ordinal, Count: 1, Offset: offset, Reason: why.reason, Digest: sha256.Sum256(value), Detail: why.detail,
	}
}
