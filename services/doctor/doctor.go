package doctor

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
)

// Options of an examination.
type Options struct {
	// API is http://host:port of the running hefu; empty: it is not asked.
	API string
	// Patience bounds each system, all of which are asked at once; 0: 30 s.
	Patience time.Duration
	// Progress, which may be nil, is told each system that is done, from many goroutines.
	Progress func(done, of int, system string)
}

// Examine asks every system of a configuration and judges what they say. It changes
// nothing anywhere. That a system does not answer is a check, not an error.
func Examine(ctx context.Context, cfg *config.Config, o Options) *Report {
	if o.Patience <= 0 {
		o.Patience = 30 * time.Second
	}
	f := gather(ctx, cfg, o)
	return &Report{At: f.at, Checks: judge(f)}
}

// task asks one system.
type task struct {
	system string
	ask    func(context.Context)
}

// gather asks all systems at once. The cursors come first: the cities need them.
func gather(ctx context.Context, cfg *config.Config, o Options) *facts {
	f := &facts{at: time.Now(), pipelines: make([]pipelineFacts, len(cfg.Pipelines))}
	c := askCursors(ctx, cfg, o.API)
	tasks := []task{
		{"journal", func(ctx context.Context) {
			if cfg.Journal.Mode == config.ModeExternal {
				f.journal = askExternal(ctx, cfg)
			} else {
				f.journal = askEmbedded(cfg, &c)
			}
		}},
		{"host", func(ctx context.Context) { f.host, f.signing = askHost(ctx, cfg), askSigning(cfg) }},
	}
	if cfg.Journal.Archive != nil {
		tasks = append(tasks, task{"archive", func(ctx context.Context) { f.archive = askArchive(ctx, cfg) }})
	}
	for i := range cfg.Pipelines {
		p := &cfg.Pipelines[i]
		f.pipelines[i].config = p
		tasks = append(tasks, f.pipelines[i].tasks(cfg, &c)...)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for _, t := range tasks {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, o.Patience)
			defer cancel()
			t.ask(ctx)
			mu.Lock()
			defer mu.Unlock()
			if done++; o.Progress != nil {
				o.Progress(done, len(tasks), t.system)
			}
		})
	}
	all.Wait()
	return f
}

// tasks are the questions about one pipeline; each fills a part of f of its own.
func (p *pipelineFacts) tasks(cfg *config.Config, c *cursors) []task {
	from := p.config
	var tasks []task
	if from.ReadHub == nil {
		tasks = append(tasks, task{hubName(from), func(ctx context.Context) {
			p.hub = askKafka(ctx, from.Hub.Config, hubQuestion(from, c.backlogGroup(from)))
			p.hub.askBacklog(ctx, from, c.taken(cfg, from))
		}})
	}
	for i := range from.Sources {
		s := &from.Sources[i]
		p.sources = append(p.sources, sourceFacts{id: s.ID, reading: &s.Reading})
	}
	if from.ReadHub != nil {
		p.sources = append(p.sources, sourceFacts{id: "hub", reading: &from.ReadHub.Reading})
	}
	for i := range p.sources {
		s := &p.sources[i]
		conn, topics, pattern := from.Hub.Config, []string{from.Hub.Topic}, ""
		if from.ReadHub == nil {
			src := &from.Sources[i]
			conn, topics, pattern = src.Config, src.Topics, src.TopicPattern
			if src.Topic != "" {
				topics = []string{src.Topic}
			}
		}
		single := from.ReadHub != nil || from.Sources[i].Topic != ""
		s.from, s.began = c.from, c.began(from.Name, s.id)
		q := question{
			topics: topics, pattern: pattern, group: s.reading.Group, retention: true,
			fromGroup: s.reading.Start == config.StartGroupOffsets && !s.began && !c.locked,
			cursor: func(topic string, partition int32, b kafkaconn.Bounds) (int64, bool) {
				return c.at(from.Name, s.id, topic, single, partition, s.reading, b)
			},
		}
		tasks = append(tasks, task{sourceName(from, s), func(ctx context.Context) { s.kafka = askKafka(ctx, conn, q) }})
	}
	if from.Doris != nil {
		tasks = append(tasks, task{dorisName(from), func(ctx context.Context) { p.doris = askDoris(ctx, from) }})
	}
	if from.Lineage != nil {
		tasks = append(tasks, task{lineageName(from), func(ctx context.Context) { p.lineage = askClickHouse(ctx, from.Lineage) }})
	}
	return tasks
}

// hubQuestion asks about the topics that are written to.
func hubQuestion(p *config.Pipeline, backlogGroup string) question {
	q := question{topics: []string{p.Hub.Topic, p.Hub.ProgressTopic}, group: backlogGroup}
	for shard := range p.Shards {
		q.ids = append(q.ids, "hefu-"+p.Name+"-"+strconv.Itoa(shard))
	}
	return q
}

// at is where reading of a partition goes on: where the journal stands, or, before the
// first start, where the configuration says, as far as that can be told.
func (c *cursors) at(pipeline, source, topic string, single bool, partition int32, r *config.Reading, b kafkaconn.Bounds) (int64, bool) {
	if !single {
		source += "/" + topic
	}
	if parts, ok := c.next[sourceKey{pipeline, source}]; ok {
		at, ok := parts[partition]
		return at, ok
	}
	if r.Start == config.StartEarliest && !c.locked {
		return b.LogStart, true
	}
	return 0, false
}

// began reports whether a source has a position, in any of its topics.
func (c *cursors) began(pipeline, source string) bool {
	for key := range c.next {
		if key.pipeline == pipeline && (key.source == source || strings.HasPrefix(key.source, source+"/")) {
			return true
		}
	}
	return false
}

func hubName(p *config.Pipeline) string { return "hub " + p.Name }

func sourceName(p *config.Pipeline, s *sourceFacts) string {
	if p.ReadHub != nil {
		return hubName(p)
	}
	return fmt.Sprintf("city %s/%s", p.Name, s.id)
}

func dorisName(p *config.Pipeline) string { return "doris " + p.Name }

func lineageName(p *config.Pipeline) string { return "lineage " + p.Name }
