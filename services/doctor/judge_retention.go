package doctor

import (
	"fmt"
	"time"
)

// What is left before rows are deleted unread: below the first it is time to act, below
// the second it is time to know. A night, and a day.
const (
	leftBad  = 8 * time.Hour
	leftNote = 24 * time.Hour
)

// rest is how long the first unread row of a partition will stay.
type rest struct {
	left  time.Duration
	known bool
	by    string // the setting that takes it
}

// restOf is pure. By time a row stays for the retention from its own time on; by size
// as many rows come before it is the oldest as lie below it, and they come as fast as
// those in the log did. Brokers delete whole segments, so that it stays longer than this.
func restOf(t *topicFacts, p *partFacts, now time.Time) rest {
	r := rest{}
	take := func(left time.Duration, by string) {
		if !r.known || left < r.left {
			r = rest{left, true, by}
		}
	}
	if ret := t.limits.Retention; ret >= 0 && !p.unread.IsZero() {
		if ret > 100*365*24*time.Hour {
			ret = 100 * 365 * 24 * time.Hour // as good as for ever, and it can be added to
		}
		take(p.unread.Add(ret).Sub(now), "retention.ms")
	}
	if rows := p.bounds.HighWatermark - p.bounds.LogStart; t.limits.RetentionBytes >= 0 && !p.oldest.IsZero() && rows > 0 {
		if age := now.Sub(p.oldest); age > 0 {
			below := float64(p.cursor-p.bounds.LogStart) / float64(rows)
			take(time.Duration(below*float64(age)), "retention.bytes")
		}
	}
	return r
}

// judgeRetention judges whether rows of a city are read before they are deleted.
func (t *topicFacts) judgeRetention(s *system, from string, now time.Time) {
	c := Check{
		Name: "retention of " + t.name, Needed: "24 h 0 min for the first unread row", Setting: "retention.ms, retention.bytes",
		Why: "rows that are deleted before they are read are lost to the hub; Hefu then stops the source with an incident",
		Do:  "raise retention.ms (and retention.bytes) of the topic, or let Hefu run: " + t.configCommand("retention.ms=604800000"),
	}
	if !t.limits.Known {
		c.notAllowed("topic")
		s.add(c)
		return
	}
	lag, unknown, gone := int64(0), 0, int64(0)
	worst, at := rest{}, int32(0)
	for i := range t.parts {
		p := &t.parts[i]
		switch {
		case p.cursor < 0:
			unknown++
			continue
		case p.cursor < p.bounds.LogStart:
			gone += p.bounds.LogStart - p.cursor
		}
		unread := p.bounds.HighWatermark - max(p.cursor, p.bounds.LogStart)
		lag += max(0, unread)
		if unread <= 0 || p.cursor < p.bounds.LogStart {
			continue
		}
		if r := restOf(t, p, now); r.known && (!worst.known || r.left < worst.left) {
			worst, at = r, p.id
		}
	}
	kept := t.kept()
	switch {
	case gone > 0:
		c.Verdict, c.Found = Bad, fmt.Sprintf("%s offsets were deleted before they were read (position of %s)", count(gone), from)
		c.Do = "see `hefu incidents`; what is gone can only come from the city again. " + c.Do
	case unknown == len(t.parts) && unknown > 0:
		c.Verdict, c.Found, c.Do = Unchecked, "kept for "+kept+"; how far reading is, is not known", "run it while hefu runs, or while its journal is free"
	case lag == 0:
		c.Verdict, c.Found = when(t.limits.Retention < 0 || t.limits.Retention >= leftNote, Note), "nothing is unread; kept for "+kept
		c.Needed, c.Why = "24 h 0 min", "an outage that is longer than this loses rows"
	case !worst.known:
		c.Verdict, c.Found = Good, fmt.Sprintf("%s offsets unread; kept for %s", count(lag), kept)
		if t.limits.Retention >= 0 || t.limits.RetentionBytes >= 0 {
			c.Verdict, c.Do = Unchecked, "read a row of the topic by hand: kafka-console-consumer.sh --property print.timestamp=true"
			c.Found += "; the time of the first unread row was not told"
		}
	default:
		c.Found = fmt.Sprintf("%s left for partition %d by %s; %s offsets unread; kept for %s", span(worst.left), at, worst.by, count(lag), kept)
		if worst.left < 0 {
			c.Found = fmt.Sprintf("partition %d is %s past %s, its oldest segment is deleted next; %s offsets unread; kept for %s", at, span(-worst.left), worst.by, count(lag), kept)
		}
		c.Verdict = Good
		if worst.left < leftNote {
			c.Verdict = Note
		}
		if worst.left < leftBad {
			c.Verdict = Bad
		}
	}
	s.add(c)
}

// kept is for how long a topic keeps rows, in words.
func (t *topicFacts) kept() string {
	text := "ever"
	if t.limits.Retention >= 0 {
		text = span(t.limits.Retention)
	}
	if t.limits.RetentionBytes >= 0 {
		text += " or " + bytes(t.limits.RetentionBytes) + " a partition"
	}
	return text
}
