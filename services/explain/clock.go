package explain

import (
	"context"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// neighbours is how many events on either side are looked at for a time.
const neighbours = 64

// timeOf is when an event says that it happened. Most events say nothing: a clock decides nothing
// in a journal.
func timeOf(ev domain.Event) (domain.Micros, bool) {
	switch ev := ev.(type) {
	case *domain.Genesis:
		return ev.Created, true
	case *domain.Ingested:
		return ev.ExtractTime, true
	case *domain.HubBegun:
		return ev.Time, true
	case *domain.DorisBegun:
		return ev.Time, true
	case *domain.DorisCommitted:
		return ev.Visible, true
	case *domain.Reconciled:
		return ev.Done, true
	default:
		return 0, false
	}
}

// around finds the times of the nearest events of a shard's stream before and behind one that has
// none itself; nil where there is none near.
func (r *reading) around(ctx context.Context, e *journal.Entry) (after, before *domain.Micros, err error) {
	tail, err := r.tail(ctx, e.Stream)
	if err != nil {
		return nil, nil, err
	}
	look := func(seq domain.Seq) (*domain.Micros, error) {
		other, err := r.j.Get(ctx, e.Stream, seq)
		if err != nil {
			return nil, err
		}
		if t, ok := timeOf(other.Event); ok {
			return &t, nil
		}
		return nil, nil
	}
	for seq := e.Seq - 1; seq >= 1 && seq+neighbours >= e.Seq && after == nil; seq-- {
		if after, err = look(seq); err != nil {
			return nil, nil, err
		}
	}
	for seq := e.Seq + 1; seq <= tail.Seq && seq <= e.Seq+neighbours && before == nil; seq++ {
		if before, err = look(seq); err != nil {
			return nil, nil, err
		}
	}
	return after, before, nil
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

func (r *reading) timeOrNil(m *domain.Micros) *Time {
	if m == nil {
		return nil
	}
	return r.time(*m)
}
