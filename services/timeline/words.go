package timeline

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/hefu-io/hefu/domain"
)

// number is a count with its noun.
func number(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	noun, of, _ := strings.Cut(noun, " of ")
	if of != "" {
		of = " of " + of
	}
	plural := noun + "s"
	if stem, is := strings.CutSuffix(noun, "y"); is {
		plural = stem + "ies"
	}
	if strings.HasSuffix(noun, "ch") {
		plural = noun + "es"
	}
	return humanize.Comma(n) + " " + plural + of
}

// lasting is how long something took, as exactly as people want to know.
func lasting(d domain.Micros) string {
	t := time.Duration(d) * time.Microsecond
	switch {
	case t >= time.Minute:
		return t.Round(time.Second).String()
	case t >= time.Second:
		return t.Round(100 * time.Millisecond).String()
	default:
		return t.Round(time.Millisecond).String()
	}
}

// said is what others wrote, on one line and not without end.
func said(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	const most = 500
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + " …"
	}
	return text
}

// brief is enough of an id to find it by.
func brief(id fmt.Stringer) string {
	s := id.String()
	return s[:min(len(s), 12)]
}

// spot is an event's place within its shard.
func spot(r domain.Ref) string { return fmt.Sprintf("%s@%d", r.Stream.Leg, r.Seq) }

// through is "hub@57", or "hub@57 to hub@60".
func through(first, last domain.Ref) string {
	if first.Seq == last.Seq {
		return spot(first)
	}
	return spot(first) + " to " + spot(last)
}

// listed joins things with commas and an "and".
func listed(things []string) string {
	if n := len(things); n > 1 {
		return strings.Join(things[:n-1], ", ") + " and " + things[n-1]
	}
	return strings.Join(things, "")
}

// legs names streams of one shard or several: "ingest, hub and doris of shard 0".
func legs(streams []domain.Stream) string {
	byShard := map[int][]string{}
	for _, s := range streams {
		byShard[s.Shard] = append(byShard[s.Shard], string(s.Leg))
	}
	shards := map[string][]string{}
	var order []string
	for _, s := range streams {
		own := byShard[s.Shard]
		delete(byShard, s.Shard)
		if own == nil {
			continue
		}
		name := listed(own)
		if !slices.Contains(order, name) {
			order = append(order, name)
		}
		shards[name] = append(shards[name], fmt.Sprint(s.Shard))
	}
	var out []string
	for _, name := range order {
		noun := " of shard "
		if len(shards[name]) > 1 {
			noun = " of shards "
		}
		out = append(out, name+noun+listed(shards[name]))
	}
	return strings.Join(out, "; ")
}

func incident(ev *domain.Incident) string {
	s := fmt.Sprintf("incident %s %s stops %s", brief(ev.ID), ev.What, ev.Stream)
	if ev.Source != "" {
		s = fmt.Sprintf("incident %s %s stops source %s", brief(ev.ID), ev.What, ev.Source)
	}
	for _, f := range ev.Evidence {
		s += fmt.Sprintf("; %s: %s", f.Key, said(f.Value))
	}
	return s
}

func resolved(ev *domain.Resolved) string {
	return fmt.Sprintf("incident %s is decided: %s, by %s: %s", brief(ev.ID), ev.Choice, ev.Who, said(ev.Why))
}

func operated(ev *domain.Operator) string {
	what := "the pipeline"
	if ev.Target != "" {
		what = "source " + ev.Target
	}
	return fmt.Sprintf("%s of %s by %s: %s", ev.Action, what, ev.Who, said(ev.Why))
}

// String is the counts that are not 0.
func (c *Counts) String() string {
	var out []string
	add := func(n int64, text string) {
		if n > 0 {
			out = append(out, text)
		}
	}
	add(c.Fetched, number(c.Fetched, "row")+" fetched")
	add(c.Transactions, number(c.Transactions, "hub transaction")+" with "+number(c.InHub, "row"))
	add(c.Loads, number(c.Loads, "load")+" with "+number(c.Loaded, "row"))
	add(c.Probes, number(c.Probes, "probe")+" for rows that Doris refuses")
	add(c.Replays, number(c.Replays, "batch")+" of replays with "+number(c.Replayed, "row"))
	add(c.Looks, number(c.Looks, "look")+" of the reconciler")
	add(c.Checkpoints, number(c.Checkpoints, "checkpoint"))
	add(c.Archived, number(c.Archived, "segment")+" archived")
	add(c.Dropped, number(c.Dropped, "segment")+" dropped from the store, which the archive has")
	return strings.Join(out, ", ")
}

func (c *Counts) add(more *Counts) {
	c.Fetched += more.Fetched
	c.Transactions += more.Transactions
	c.InHub += more.InHub
	c.Loads += more.Loads
	c.Loaded += more.Loaded
	c.Probes += more.Probes
	c.Replays += more.Replays
	c.Replayed += more.Replayed
	c.Looks += more.Looks
	c.Checkpoints += more.Checkpoints
	c.Archived += more.Archived
	c.Dropped += more.Dropped
}

// moment is a time of day, with the day where that is not the one of another time.
func moment(at, of time.Time) string {
	const clock = "15:04:05.000"
	at = at.In(of.Location())
	if at.Format(time.DateOnly) == of.Format(time.DateOnly) {
		return at.Format(clock)
	}
	return at.Format(time.DateOnly + " " + clock)
}
