package rebuild

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// world is everything that a pipeline's plan is derived from. What it comes to is pure.
type world struct {
	p      *config.Pipeline
	m      *memory
	hub    *hubRows
	table  *tableRows // nil: the pipeline ends at the hub
	cities map[domain.SourceID]*cityTopic
	starts map[domain.SourceID]map[int32]int64 // as the operator says

	plan PipelinePlan
}

// desired is the configuration of the new journal: the older copy's, or the file's with each
// source where its rows lie in the hub, so that the order of a city partition is kept.
func (w *world) desired() error {
	hubPartitions := int32(len(w.hub.topic.Partitions))
	want, err := pipeline.Desired(w.p, w.m.config, hubPartitions)
	if err != nil {
		return err
	}
	if w.m.config == nil {
		for i := range want.Sources {
			if base, ok := w.base(want, &want.Sources[i]); ok {
				want.Sources[i].Base = base
			}
		}
	}
	w.plan.Config = *want
	return nil
}

// base is what the places of a source's rows say, where they all say the same.
func (w *world) base(c *domain.PipelineConfig, s *domain.SourceConfig) (int32, bool) {
	base, found := int32(0), false
	for at := range w.hub.trails {
		if at.city != s.City || shared(c, s) {
			continue
		}
		b := int32((int64(at.hub) - at.partition%int64(c.HubPartitions) + int64(c.HubPartitions)) % int64(c.HubPartitions))
		if found && b != base {
			return 0, false
		}
		base, found = b, true
	}
	return base, found
}

// shared reports whether another source has the same city: no row says which of them it is of.
func shared(c *domain.PipelineConfig, s *domain.SourceConfig) bool {
	return slices.ContainsFunc(c.Sources, func(other domain.SourceConfig) bool { return other.ID != s.ID && other.City == s.City })
}

// derive makes the plan of everything that was asked.
func (w *world) derive() {
	p := &w.plan
	p.Name, p.Old, p.Known, p.Evidence, p.Refused = w.p.Name, w.m.old, w.m.known, w.m.facts, w.m.refused
	for i := range p.Config.Sources {
		s := &p.Config.Sources[i]
		if !s.Ended {
			p.Sources = append(p.Sources, w.source(s))
		}
	}
	w.strangers()
	w.hubAndTable()
}

func (w *world) source(s *domain.SourceConfig) SourcePlan {
	city := w.cities[s.ID]
	out := SourcePlan{ID: s.ID, Generation: w.m.generation(s.ID), Cluster: city.topic.Cluster, Topic: s.Topic, TopicID: city.topic.ID}
	for _, tp := range city.topic.Partitions {
		bounds, led := city.bounds[tp.ID]
		if !led {
			w.refuse("source %s partition %d has no leader now: look again when it has", s.ID, tp.ID)
			continue
		}
		at := w.start(s, tp.ID, bounds)
		at.Partition, at.LogStart = tp.ID, min(bounds.LogStart, at.Next)
		out.Partitions = append(out.Partitions, at)
	}
	return out
}

// start decides where a partition goes on.
func (w *world) start(s *domain.SourceConfig, partition int32, bounds kafkaconn.Bounds) StartPlan {
	where := fmt.Sprintf("source %s partition %d", s.ID, partition)
	say := fmt.Sprintf("; then say --position %s:%d:OFFSET", s.ID, partition)
	found, told := w.found(s, partition, where, say)
	if said, ok := w.starts[s.ID][partition]; ok {
		found, told = StartPlan{Next: said, How: "as the operator says"}, true
	}
	switch first, known := w.m.begins(s.ID, partition); {
	case told:
	case w.hub.unsaid > 0:
		w.refuse("%s has no row in hub or table that says so, and the hub has %d that do not say which city row they are: find out where it goes on%s", where, w.hub.unsaid, say)
	case known:
		found = StartPlan{Next: first, How: "no row of it is in hub or table: where the old journal began it"}
	case entryOf(w.p, s).Start == config.StartEarliest:
		found = StartPlan{Next: bounds.LogStart, How: "no row of it is in hub or table: log start"}
	default:
		w.refuse("%s has no row in hub or table, and its start mode is not earliest-offset: find out where it was begun%s", where, say)
	}
	if found.Next > bounds.HighWatermark {
		w.refuse("%s would go on at %d, and its log ends at %d: the topic was made anew or cut. Find out where its new rows begin%s", where, found.Next, bounds.HighWatermark, say)
	}
	if found.Next < bounds.LogStart {
		w.unproven("offsets that the city has deleted: ingest stops there with source-out-of-range", where, gapOf(domain.Span{First: found.Next, Next: bounds.LogStart}))
	}
	return found
}

// found is what hub and table say of a city partition.
func (w *world) found(s *domain.SourceConfig, partition int32, where, say string) (StartPlan, bool) {
	_, said := w.starts[s.ID][partition]
	if shared(&w.plan.Config, s) {
		if !said {
			w.refuse("%s: city %s is fed by several topics, and no row says which of them it is of: find out where it goes on%s", where, s.City, say)
		}
		return StartPlan{}, true
	}
	var at []trailKey
	for key := range w.hub.trails {
		if key.city == s.City && key.partition == int64(partition) {
			at = append(at, key)
		}
	}
	slices.SortFunc(at, func(a, b trailKey) int { return int(a.hub) - int(b.hub) })
	next, how := int64(-1), ""
	for _, key := range at {
		t := w.hub.trails[key]
		if t.next > next {
			next, how = t.next, fmt.Sprintf("behind its furthest row in hub partition %d", key.hub)
		}
		if f := t.fell; f != nil && !said {
			w.refuse("%s: its offsets in the hub fall from %d to %d at %d/%d (%d times): its topic was made anew, or rows were sent once more. Find out where it goes on%s",
				where, f.from, f.to, f.at.Partition, f.at.Offset, f.times, say)
		}
	}
	if w.table != nil {
		switch end, has := w.table.ends.Cities[s.City][partition]; {
		case !has:
		case next < 0:
			next, how = end, "behind its furthest row in the table: the hub has none of it"
		case end > next && !said: // what is older than the hub's rows is of an earlier topic, or the hub lost its end
			w.refuse("%s: its furthest row in the hub is %d, in the table %d: its topic was made anew, or the hub lost its end. Find out where it goes on%s",
				where, next-1, end-1, say)
		}
	}
	w.between(where, at)
	if next < 0 {
		return StartPlan{How: "not known"}, false
	}
	return StartPlan{Next: next, How: how}, true
}

// between names the offsets of a city partition that the hub has no row of.
func (w *world) between(where string, at []trailKey) {
	switch len(at) {
	case 0:
	case 1:
		t := w.hub.trails[at[0]]
		w.unproven("offsets before its first row in the hub: not carried, or deleted there by retention", where, gapOf(domain.Span{Next: t.first}))
		w.unproven("offsets between its rows in the hub without one: markers, aborted rows, rows left out, or lost ones", where, t.gaps)
	default:
		var rows int64
		for _, key := range at {
			rows += w.hub.trails[key].rows
		}
		w.unproven(fmt.Sprintf("rows in %d hub partitions, whose order is not told, nor what is missing between them", len(at)), where, gaps{count: rows})
	}
}

// strangers are rows of the hub that are of no source.
func (w *world) strangers() {
	w.unproven("records that are no row of the hub's format", "hub topic", gaps{count: w.hub.strange})
	w.unproven("rows that do not say where their city has them", "hub topic", gaps{count: w.hub.unsaid})
	w.homeless()
}

// homeless are rows of cities that no source has, and of partitions that a source's topic has not.
func (w *world) homeless() {
	cities, gone := map[domain.City]int64{}, map[string]int64{}
	for key, t := range w.hub.trails {
		i := slices.IndexFunc(w.plan.Config.Sources, func(s domain.SourceConfig) bool { return s.City == key.city })
		if i < 0 {
			cities[key.city] += t.rows
			continue
		}
		s := &w.plan.Config.Sources[i]
		if s.Ended || shared(&w.plan.Config, s) {
			continue
		}
		has := func(p kafkaconn.Partition) bool { return int64(p.ID) == key.partition }
		if !slices.ContainsFunc(w.cities[s.ID].topic.Partitions, has) {
			gone[fmt.Sprintf("source %s partition %d", s.ID, key.partition)] += t.rows
		}
	}
	for _, city := range slices.Sorted(maps.Keys(cities)) {
		w.unproven("rows of a city that no source has", "city "+string(city), gaps{count: cities[city]})
	}
	for _, where := range slices.Sorted(maps.Keys(gone)) {
		w.unproven("rows of a partition that its topic does not have now", where, gaps{count: gone[where]})
	}
}

func (w *world) refuse(format string, args ...any) {
	w.plan.Refused = append(w.plan.Refused, fmt.Sprintf(format, args...))
}

func (w *world) unproven(what, where string, g gaps) {
	if g.count > 0 {
		w.plan.Unproven = append(w.plan.Unproven, domain.Unproven{What: what, Where: where, Count: g.count, Spans: g.named})
	}
}

func gapOf(s domain.Span) (g gaps) {
	if s.Len() > 0 {
		g.add(s)
	}
	return g
}

// hubAndTable compares the two, partition by partition.
func (w *world) hubAndTable() {
	var load []string
	behind := int64(0)
	for _, h := range slices.Sorted(maps.Keys(w.hub.bounds)) {
		bounds, rows := w.hub.bounds[h], w.hub.rows[h]
		at := HubPlan{Partition: h, LogStart: bounds.LogStart, Next: rows.next(bounds.LogStart), Rows: rows.count()}
		where := fmt.Sprintf("hub partition %d", h)
		if bounds.LSO < bounds.HighWatermark {
			w.refuse("%s: a transaction is open from offset %d on: end it, or wait for its time-out, and look again (hefu doctor names its owner)", where, bounds.LSO)
		}
		w.unproven("offsets that retention has deleted: not compared with the table", where, gapOf(domain.Span{Next: bounds.LogStart}))
		if w.table != nil {
			missing := w.compare(where, h, &at)
			behind += missing
			load = append(load, fmt.Sprintf("partition:%d,offset:%d", h, max(w.table.ends.Hub[h], bounds.LogStart)))
		}
		w.plan.Hub = append(w.plan.Hub, at)
	}
	if behind > 0 {
		w.plan.Load = fmt.Sprintf("read_hub: {start: specific-offsets, start_offsets: %q, bounded: latest-offset}", strings.Join(load, ";"))
		w.refuse("the hub has %d rows beyond the end of table %s.%s, which a rebuilt journal would never load: load them first with a pipeline of another name "+
			"and the same hub and doris blocks, in a file of its own with a data_dir of its own, and in place of sources the block below; then look again (docs/rebuild.md)",
			behind, w.p.Doris.Database, w.p.Doris.Table)
	}
	if w.table == nil {
		return
	}
	for _, o := range w.table.open {
		w.refuse("load %s (transaction %d) is %s: what is not committed abort (hefu never commits it any more), for the others wait, then look again", o.Label, o.Txn, o.State)
	}
}

// compare sets the rows of a hub partition against the table's, and returns how many the table
// has not of those beyond its end.
func (w *world) compare(where string, h int32, at *HubPlan) (behind int64) {
	rows, have, end := w.hub.rows[h], w.table.rows[h], w.table.ends.Hub[h]
	lost := rows.minus(have)
	at.InTable = at.Rows - lost.count
	strays := have.minus(rows)
	if bounds := w.hub.bounds[h]; end > bounds.HighWatermark {
		w.refuse("%s ends at %d, and the table has rows of it up to %d: the topic was made anew or cut, and new rows would take the places of old ones (docs/rebuild.md)",
			where, bounds.HighWatermark, end-1)
	}
	below := rows.until(end)
	missing := below.minus(have)
	w.unproven("rows that the table lacks, below its end: left out by the old journal, or lost", where, missing)
	w.unproven("rows of the table at offsets where the hub has none", where, strays)
	w.unproven("rows that the table has more than once", where, gaps{count: have.doubled})
	return lost.count - missing.count
}
