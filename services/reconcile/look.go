package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
	"github.com/hefu-io/hefu/services/report"
)

// Look takes in what is new and compares it. An error means that something could not be read:
// what was compared before stays, and nothing that was not is called good.
//
// The order is against the way of a row: first what the table has at all, then how far the hub
// is stable, then how far the journal is; what the journal has of the hub is then visible
// there, and of what table and hub have the journal knows everything that is not under way.
//
// An error before everything was scanned leaves a Prover that is of no more use, which each
// further Look says: what was scanned in part would be counted twice.
func (p *Prover) Look(ctx context.Context) error {
	if p.spoilt {
		return errSpoilt
	}
	err := p.look(ctx)
	if why := anew(err); why != "" {
		p.say(why + ": everything is looked at anew")
		p.remade = p.remade || errors.Is(err, target.ErrAnotherTopic)
		p.Close()
		p.begin()
		err = p.look(ctx)
	}
	return err
}

func (p *Prover) look(ctx context.Context) error {
	p.spoilt = true
	if err := p.open(ctx); err != nil {
		return err
	}
	if err := p.scan(ctx); err != nil {
		return err
	}
	p.spoilt = false
	if err := p.judgeRows(ctx); err != nil {
		return err
	}
	if p.table == nil {
		return nil
	}
	p.say("asking table " + p.p.Doris.Database + "." + p.p.Doris.Table)
	return p.judgeLoads(ctx)
}

var errSpoilt = errors.New("a look failed in the middle of a scan: another Prover is to look")

// scan reads what is new.
func (p *Prover) scan(ctx context.Context) error {
	var err error
	if p.table != nil {
		if p.sweep, err = p.table.Sweep(ctx); err != nil {
			return err
		}
	}
	p.say("reading the journal")
	if p.positions, err = p.hub.Positions(ctx); err != nil {
		return err
	}
	for _, l := range p.lanes {
		if l.counted {
			continue // what came to the journal since is not of its while
		}
		if l.to, err = p.in.Tails(ctx, l.shard); err != nil {
			return err
		}
	}
	// After the tails: the configuration knows every source that a stream has rows of.
	if err = p.in.Refresh(ctx); err != nil {
		return err
	}
	for _, l := range p.lanes {
		if l.counted {
			continue
		}
		if err = l.books.Read(ctx, l.to); err != nil {
			return err
		}
	}
	if err = p.measure(ctx); err != nil {
		return err
	}
	for _, l := range p.lanes {
		if l.counted {
			continue
		}
		if err = p.bound(ctx, l); err != nil {
			return err
		}
	}
	p.say("reading hub topic " + p.p.Hub.Topic)
	for _, l := range p.lanes {
		if err := p.scanLane(ctx, l); err != nil {
			return err
		}
		list, more := l.books.Findings()
		p.found.addAll(list[l.listed:], more-l.more)
		l.listed, l.more = len(list), more
	}
	p.countUnread()
	return nil
}

// bound takes the ends of a lane, and the parts that it has, cut to the scope.
func (p *Prover) bound(ctx context.Context, l *lane) error {
	l.ends = l.books.Ends()
	if p.scope.From != nil || p.scope.To != nil {
		from, to := domain.Micros(0), domain.Micros(1<<62)
		if p.scope.From != nil {
			from = domain.Micros(p.scope.From.UnixMicro())
		}
		if p.scope.To != nil {
			to = domain.Micros(p.scope.To.UnixMicro())
		}
		if l.slice == nil { // resolved once: what comes to it later is another look's
			var err error
			if l.slice, err = l.books.Between(ctx, from, to); err != nil {
				return err
			}
		}
	}
	for _, a := range l.books.Accounts() {
		p.boundPart(l, a)
	}
	if err := p.sameGeneration(); err != nil {
		return err
	}
	if l.slice != nil && !l.counted {
		l.counted = true
		if err := p.countScope(ctx, l); err != nil {
			return err
		}
		if err := p.beginScan(ctx, l); err != nil {
			return err
		}
	}
	loading := l.books.Loading()
	for h, span := range l.ends.HubSpans {
		of := p.hubs[h]
		if of == nil {
			of = &hubLane{waiting: waitingRows{most: p.keep}, first: span.First, next: span.First}
			if l.slice != nil {
				of.first, of.next = l.slice.Hub[h].First, l.slice.Hub[h].First
			}
			p.hubs[h] = of
		} else if at, short := p.limits[h]; short && at.high < min(of.next, of.end) {
			return &cutError{h, at.high, min(of.next, of.end)}
		}
		of.end, of.table, of.without = span.Next, l.ends.Table[h], l.ends.WithoutDoris[h]
		of.loading = loading[h]
		p.isJournaled(l, h, of)
		if l.slice != nil {
			of.end = min(of.end, l.slice.Hub[h].Next)
			of.table = min(of.table, of.end)
		}
	}
	if l.begun || l.slice != nil {
		return nil
	}
	l.begun = true
	return p.resume(ctx, l)
}

// boundPart takes what is new of a part.
func (p *Prover) boundPart(l *lane, a *domain.Account) {
	n := p.parts[a.PartitionKey]
	if n == nil {
		c, _ := p.in.Config()
		n = &part{PartitionKey: a.PartitionKey, lane: l, mask: p.format.Mask(), last: -1}
		if s, known := c.Source(a.Source); known {
			n.city = s.City
		}
		unread, why := p.in.Unread(a.Source)
		if n.mask&unread != 0 && !p.direct() {
			n.why = why
		}
		n.mask &^= unread
		p.parts[a.PartitionKey] = n
		p.places.know(n)
	}
	n.first, n.next = a.First+a.Gaps[domain.ReasonStartPolicy], a.Next
	n.excluded = l.ends.WithoutHub[a.PartitionKey]
	n.inHub, n.inDoris = l.ends.Hub[a.PartitionKey], l.ends.Doris[a.PartitionKey]
	n.scope = domain.Span{First: n.first, Next: n.next}
	if l.slice != nil {
		in := l.slice.Cities[a.PartitionKey]
		n.scope = domain.Span{First: max(n.scope.First, in.First), Next: min(n.scope.Next, in.Next)}
	}
	if len(p.scope.Sources) > 0 && !slices.Contains(p.scope.Sources, a.Source) {
		n.scope = domain.Span{}
	}
}

// looks is how often a look that nobody follows up looks at what differs, and the pause that
// it begins with between two of them, which doubles: long enough for what is being written.
const (
	looks = proof.Looks + 1
	pause = 50 * time.Millisecond
)

// Once looks until everything that differs is either the same or stands still, and gives the
// report, without what only the caller knows (who signs, which checkpoints).
func Once(ctx context.Context, p *Prover) (*report.Report, error) {
	began := time.Now()
	wait := pause
	for i := range looks {
		if err := p.Look(ctx); err != nil {
			return nil, err
		}
		if !p.moving() && !p.suspects() || i == looks-1 {
			break
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
		}
		wait *= 2
	}
	if err := p.readAgain(ctx, false); err != nil {
		return nil, err
	}
	return p.report(began)
}

// moving reports whether something differs and was not seen to stand still, or cannot be read yet.
func (p *Prover) moving() bool {
	if p.waits() {
		return true
	}
	for _, all := range []map[domain.Window]*window{p.rows, p.loads} {
		for _, w := range all {
			if w.life.State == domain.WindowSuspect || w.life.State == domain.WindowDiverged && !w.life.Stands() {
				return true
			}
		}
	}
	return false
}

// suspects reports whether the table has rows of which the next look says what they are.
func (p *Prover) suspects() bool {
	for _, of := range p.hubs {
		if len(of.beyond) > 0 {
			return true
		}
	}
	return false
}

// stable is the last stable offset of a hub partition when the look began.
func (p *Prover) stable(h int32) int64 {
	for i := range p.positions {
		if p.positions[i].Partition == h {
			return p.positions[i].LastStable
		}
	}
	return 0
}
