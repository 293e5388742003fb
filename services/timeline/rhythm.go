package timeline

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// A partition is silent when it has no event for longer than is slow, and for longer than silentFor
// times what is usual for it; what is usual is known after heardBefore events.
const (
	silentFor   = 10
	heardBefore = 4
)

// rhythm knows how often each source partition has events. A partition's silence is measured in
// time in which others had some: when all stand still, that is one silence and not one of each.
type rhythm struct {
	slow, from domain.Micros
	flow       domain.Micros // time in which something was fetched
	all        pulse         // of any partition
	of         map[partition]*pulse
	silences   []silence
}

// partition is one of a source, whatever its generation.
type partition struct {
	source domain.SourceID
	number int32
}

// pulse is how often there are events.
type pulse struct {
	at    domain.Micros // of the last one
	flow  domain.Micros // of the rhythm then
	heard int64         // intervals
	sum   domain.Micros // of them
}

// silence is a time without events.
type silence struct {
	of       partition // of all: without a source
	from, to domain.Micros
	event    domain.Ref    // that ended it, zero: the window's end did
	shard    int           // of the event
	run      domain.Run    // of the event, the first behind the silence; without its batches
	more     []partition   // others of the source, at the same time
	usual    domain.Micros // between two events
}

func (r *rhythm) begin(ask *Ask) {
	*r = rhythm{slow: ask.slow(), from: ask.From, of: map[partition]*pulse{}}
}

// silent reports whether an interval is unusually long.
func (p *pulse) silent(d, slow domain.Micros) bool {
	return p.heard >= heardBefore && d > slow && d > silentFor*p.usual()
}

func (p *pulse) usual() domain.Micros { return p.sum / domain.Micros(max(p.heard, 1)) }

// beat takes note of an event after an interval that was not silent.
func (p *pulse) beat(at, flow, d domain.Micros) {
	p.at, p.flow, p.heard, p.sum = at, flow, p.heard+1, p.sum+d
}

// hear takes note of an event.
func (r *rhythm) hear(e *journal.Entry, ev *domain.Ingested) {
	if r.all.at == 0 {
		r.all.at = e.At
	}
	d := e.At - r.all.at
	if r.all.silent(d, r.slow) {
		r.silence(silence{from: r.all.at, to: e.At, event: e.Ref(), usual: r.all.usual()})
		r.all.at = e.At
	} else {
		r.all.beat(e.At, 0, d)
	}
	r.flow += min(d, r.slow/2)
	for i := range ev.Runs {
		run := &ev.Runs[i]
		of := partition{run.Source, run.Partition}
		p := r.of[of]
		if p == nil {
			r.of[of] = &pulse{at: e.At, flow: r.flow}
			continue
		}
		d := r.flow - p.flow
		if p.silent(d, r.slow) {
			slim := *run
			slim.Batches = nil
			r.silence(silence{of: of, from: p.at, to: e.At, event: e.Ref(), shard: e.Stream.Shard, run: slim, usual: p.usual()})
			p.at, p.flow = e.At, r.flow
		} else {
			p.beat(e.At, r.flow, d)
		}
	}
}

func (r *rhythm) silence(s silence) {
	if s.to > r.from && len(r.silences) < mostLines {
		r.silences = append(r.silences, s)
	}
}

// restart says that ingest was taken over: what was not fetched until then is no silence of a city.
func (r *rhythm) restart(at domain.Micros) {
	if r.all.at == 0 {
		return
	}
	r.flow += min(max(at-r.all.at, 0), r.slow/2)
	r.all.at = at
	for _, p := range r.of {
		p.at, p.flow = at, r.flow
	}
}

// forget says that nothing more of a source is awaited.
func (r *rhythm) forget(source domain.SourceID) {
	maps.DeleteFunc(r.of, func(p partition, _ *pulse) bool { return p.source == source })
}

// ends takes note of what is silent as the window ends.
func (r *rhythm) ends(at domain.Micros) {
	if r.all.at == 0 || at <= r.all.at {
		return
	}
	d := at - r.all.at
	if r.all.silent(d, r.slow) {
		r.silence(silence{from: r.all.at, to: at, usual: r.all.usual()})
	}
	r.flow += min(d, r.slow/2)
	for of, p := range r.of {
		if p.silent(r.flow-p.flow, r.slow) {
			r.silence(silence{of: of, from: p.at, to: at, usual: p.usual()})
		}
	}
}

// together makes one of the silences that a source's partitions had at the same time.
func (r *rhythm) together() (out []*silence) {
	slices.SortFunc(r.silences, func(a, b silence) int {
		return cmp.Or(cmp.Compare(a.of.source, b.of.source), cmp.Compare(a.from, b.from), cmp.Compare(a.of.number, b.of.number))
	})
	for i := range r.silences {
		s := &r.silences[i]
		if n := len(out); n > 0 && s.of.source != "" && out[n-1].of.source == s.of.source && s.from < out[n-1].to {
			l := out[n-1]
			l.more = append(l.more, s.of)
			l.to = max(l.to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

// silentAtTheEnd takes note of what nothing was heard of up to the end of the window, or up to now.
func (t *telling) silentAtTheEnd() { t.rhythm.ends(min(t.ask.To, t.j.Now())) }

// tell makes lines of the silences. What was fetched right behind one is touched by it.
func (r *rhythm) tell(t *telling) {
	for i := range r.silences {
		if s := &r.silences[i]; s.run.Rows > 0 {
			t.reach[s.shard].silent = append(t.reach[s.shard].silent, silentRun{s.event.Seq, keyOf(&s.run)})
		}
	}
	for _, s := range r.together() {
		t.tally.silences++
		l := t.add(&Line{At: t.time(s.from), Kind: "Silence"})
		t.lasts(l, s.from, s.to)
		usual := fmt.Sprintf("; usually there is an event every %s", lasting(s.usual))
		l.What = fmt.Sprintf("nothing is fetched from any source for %s%s", lasting(s.to-s.from), usual)
		if s.of.source != "" {
			l.What = fmt.Sprintf("nothing is fetched from source %s %s for %s, while others flow%s", s.of.source, s.partitions(), lasting(s.to-s.from), usual)
		}
		if s.event.IsZero() {
			l.Later = "it goes on at the end of the window"
			continue
		}
		l.Event = s.event.String()
		if s.of.source == "" {
			continue
		}
		l.Ranges = []Range{{
			City: t.city(s.of.source), Source: string(s.of.source), Generation: uint32(s.run.Generation), Partition: s.of.number,
			First: s.run.First, Last: s.run.Next - 1, Rows: s.run.Rows,
		}}
		l.Later = "these are the rows that came then"
	}
}

func (s *silence) partitions() string {
	if len(s.more) == 0 {
		return fmt.Sprintf("partition %d", s.of.number)
	}
	numbers := []string{fmt.Sprint(s.of.number)}
	for _, p := range s.more {
		numbers = append(numbers, fmt.Sprint(p.number))
	}
	return "partitions " + listed(numbers)
}
