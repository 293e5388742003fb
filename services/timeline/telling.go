package timeline

import (
	"cmp"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// mostLines is how many lines a story has at most, but for what is summed up: nobody reads more,
// and memory is bounded by it.
const mostLines = 2000

// telling is a story in the making.
type telling struct {
	reading
	clock
	*known
	ask   *Ask
	story *Story

	state    domain.ControlState // as of the event that is told
	courses  map[domain.Stream]*course
	spoke    map[domain.Seq]domain.Micros // when an incarnation wrote its last event
	taken    map[domain.Seq]*takeover     // by the incarnation that took over
	rhythm   rhythm
	holes    map[hole]*Line
	about    map[*Line]carried // what lines say of rows, to be looked up when all is read
	troubled []stretch         // times that were not normal
	tally    tally
	reach    []*reach // by shard: the ingest events that trouble touched
	accounts accounts

	flowed       Counts // since the last line
	since, until domain.Micros
}

// tally counts trouble, of lines that are left out too.
type tally struct{ attempts, slow, incidents, open, silences, replays int64 }

// stretch is a time.
type stretch struct{ from, to domain.Micros }

// course is where a stream is.
type course struct {
	owner   domain.Seq
	intent  *attempt // the last one
	failing *failing // attempts that came to nothing so far
}

// carried is the ingest events that a line is about.
type carried struct {
	shard int
	span  domain.Span
	leg   domain.Leg // whose attempt it was
}

func (t *telling) course(s domain.Stream) *course {
	c := t.courses[s]
	if c == nil {
		c = &course{}
		t.courses[s] = c
	}
	return c
}

// line begins a line with an event. What flowed before it is summed up in one of its own.
func (t *telling) line(e *journal.Entry, what string) *Line {
	t.sumUp()
	return t.add(&Line{At: t.time(e.At), Event: e.Ref().String(), Kind: string(e.Event.Kind()), What: what})
}

// add takes a line into the story, if there is room.
func (t *telling) add(l *Line) *Line {
	if len(t.story.Lines) >= mostLines {
		t.story.LeftOut++
		return l
	}
	t.story.Lines = append(t.story.Lines, l)
	return l
}

// flows counts something that is no line of its own.
func (t *telling) flows(at domain.Micros, c Counts) {
	if t.flowed == (Counts{}) {
		t.since = at
	}
	t.until = at
	t.flowed.add(&c)
	t.story.Sums.add(&c)
}

func (t *telling) sumUp() {
	if t.flowed == (Counts{}) {
		return
	}
	sums := t.flowed
	t.flowed = Counts{}
	l := t.add(&Line{At: t.time(t.since), Kind: meanwhile, Counts: &sums, What: sums.String()})
	if t.until > t.since {
		until := t.time(t.until)
		l.Until = &until
	}
}

// What sums up are called.
const (
	normal    = "Normal"
	meanwhile = "Meanwhile"
)

// lasts makes a line one of something that lasted, in which nothing was normal.
func (t *telling) lasts(l *Line, from, to domain.Micros) {
	until := t.time(to)
	l.Until = &until
	t.troubled = append(t.troubled, stretch{from, to})
}

// goesOn takes note of the trouble that there is at the end of the window.
func (t *telling) goesOn() {
	for _, c := range t.courses {
		if c.failing != nil {
			t.troubled = append(t.troubled, stretch{c.failing.began, t.ask.To})
		}
	}
}

// inOrder puts the lines in the order in which they began, and says which stretches were normal.
func (t *telling) inOrder() {
	slices.SortStableFunc(t.story.Lines, func(a, b *Line) int { return a.At.Compare(b.At) })
	slices.SortFunc(t.troubled, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	for _, l := range t.story.Lines {
		if l.Kind != meanwhile {
			continue
		}
		from := domain.Micros(l.At.UnixMicro())
		to := from
		if l.Until != nil {
			to = domain.Micros(l.Until.UnixMicro())
		}
		if !slices.ContainsFunc(t.troubled, func(s stretch) bool { return s.from < to && from < s.to || s.from <= from && to <= s.to }) {
			l.Kind = normal
		}
	}
	t.story.Lines = merged(t.story.Lines)
}

// merged makes one of stretches that nothing stands between.
func merged(lines []*Line) (out []*Line) {
	for _, l := range lines {
		n := len(out)
		if n == 0 || l.Counts == nil || out[n-1].Counts == nil || l.Kind != out[n-1].Kind {
			out = append(out, l)
			continue
		}
		was := out[n-1]
		was.Counts.add(l.Counts)
		was.What = was.Counts.String()
		if was.Until = l.Until; l.Until == nil {
			was.Until = &l.At
		}
	}
	return out
}
