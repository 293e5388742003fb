package explain

import (
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// timeOf is when an event happened: by its own word, or else when its writer made it. It is for
// people; a clock decides nothing in a journal.
func timeOf(e *journal.Entry) domain.Micros {
	if _, replay := e.Stream.Leg.Plan(); replay {
		return e.At // the time that its intent names is that of the rows
	}
	switch ev := e.Event.(type) {
	case *domain.Genesis:
		return ev.Created
	case *domain.Ingested:
		return ev.ExtractTime
	case *domain.HubBegun:
		return ev.Time
	case *domain.DorisBegun:
		return ev.Time
	case *domain.DorisCommitted:
		return ev.Visible
	case *domain.Reconciled:
		return ev.Done
	default:
		return e.At
	}
}

const (
	utcFormat   = "2006-01-02 15:04:05.000000"
	localFormat = "2006-01-02 15:04:05.000000 -07:00"
)

func (r *reading) time(m domain.Micros) *Time {
	t := time.UnixMicro(int64(m))
	return &Time{UTC: t.UTC().Format(utcFormat), Local: t.In(r.zone).Format(localFormat)}
}

// millis is a record's timestamp. Some are further from 1970 than microseconds reach.
func (r *reading) millis(ms int64) *Time {
	t := time.UnixMilli(ms)
	return &Time{UTC: t.UTC().Format(utcFormat), Local: t.In(r.zone).Format(localFormat)}
}
