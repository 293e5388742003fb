package flinkimport

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
)

// Group is a topic that the job reads with a consumer group, and, after Compare, what its cluster says about it.
type Group struct {
	Of         string      `json:"of"` // the source's id; hub for the reader of the hub topic
	Pipeline   string      `json:"pipeline"`
	Table      string      `json:"table"`
	Group      string      `json:"group,omitempty"`
	Topics     []string    `json:"topics,omitempty"`
	Start      string      `json:"start"`
	Asked      bool        `json:"asked"`
	Error      string      `json:"error,omitempty"` // why it was not asked, or did not answer
	Partitions []Partition `json:"partitions,omitempty"`

	kafka   kafkaconn.Config
	start   domain.StartSpec
	pattern string
	masked  bool
}

// Partition is where one partition stands and where Hefu would begin.
type Partition struct {
	Topic      string `json:"topic"`
	Partition  int32  `json:"partition"`
	Committed  int64  `json:"committed"` // the group's offset, -1 for none
	LogStart   int64  `json:"log_start"`
	LogEnd     int64  `json:"log_end"`
	First      int64  `json:"first"` // where start begins, -1 where it cannot
	How        string `json:"how"`
	Checkpoint int64  `json:"checkpoint"` // where Flink's would go on, as the person says; -1 for nothing said
}

// Lag is how many offsets the group has not read.
func (p Partition) Lag() int64 {
	if p.Committed < 0 {
		return p.LogEnd - p.LogStart
	}
	return max(p.LogEnd-p.Committed, 0)
}

// groups lists what the job reads, from the configuration that came out.
func (m *importer) groups() {
	r := m.result
	readers := r.Groups // of hubs, without their addresses
	r.Groups = nil
	for i := range r.Config.Pipelines {
		p, n := &r.Config.Pipelines[i], m.doc.pipelines[i]
		hidden := masked(strings.Join(n.child("hub").child("brokers").raw, " "))
		for j := range p.Sources {
			s, sn := &p.Sources[j], n.child("sources").items[j]
			topics := s.Topics
			if s.Topic != "" {
				topics = []string{s.Topic}
			}
			r.Groups = append(r.Groups, Group{
				Of: s.ID, Pipeline: p.Name, Table: sn.child("id").note, Group: s.Group, Topics: topics, Start: s.Start,
				kafka: s.Config, start: s.StartSpec(), pattern: s.TopicPattern, masked: masked(strings.Join(sn.child("brokers").raw, " ")),
			})
		}
		if p.ReadHub != nil {
			r.Groups = append(r.Groups, hubGroup(p, p.ReadHub.Group, "", p.ReadHub.StartSpec(), p.ReadHub.Start, hidden))
		}
		for _, g := range readers {
			if g.Pipeline == p.Name {
				r.Groups = append(r.Groups, hubGroup(p, g.Group, g.Table, g.start, string(domain.StartGroupOffsets), hidden))
			}
		}
	}
}

func hubGroup(p *config.Pipeline, group, table string, start domain.StartSpec, mode string, hidden bool) Group {
	return Group{
		Of: "hub", Pipeline: p.Name, Table: table, Group: group, Topics: []string{p.Hub.Topic}, Start: mode,
		kafka: p.Hub.Config, start: start, masked: hidden,
	}
}

// answerTime bounds what is waited for of one cluster.
const answerTime = 15 * time.Second

// Compare asks the clusters where the groups stand and where each source would begin, and puts the answers into the
// result: a cluster that cannot be asked has an Error in its Group. checkpoint, which may be nil, is where Flink's
// checkpoint goes on, by ParseCheckpoint: the checkpoint itself is not read. It changes nothing anywhere.
func (r *Result) Compare(ctx context.Context, checkpoint Checkpoint) {
	var g errgroup.Group
	g.SetLimit(8)
	for i := range r.Groups {
		g.Go(func() error {
			r.Groups[i].ask(ctx, checkpoint)
			return nil
		})
	}
	_ = g.Wait() // each group has its own error
}

// ask asks one cluster.
func (g *Group) ask(ctx context.Context, checkpoint Checkpoint) {
	if g.masked {
		g.Error = "not asked: the document masks its address"
		return
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	g.Asked = true
	cl, err := kafkaconn.Dial(g.kafka, kgo.RetryTimeout(answerTime))
	if err == nil {
		defer cl.Close()
		err = g.topics(ctx, cl)
	}
	for _, topic := range g.Topics {
		if err == nil {
			err = g.topic(ctx, cl, topic, checkpoint)
		}
	}
	if err != nil {
		g.Error = err.Error()
		if hint := kafkaconn.Explain(err); hint != "" {
			g.Error += " (" + hint + ")"
		}
	}
}

// topics finds those of a pattern.
func (g *Group) topics(ctx context.Context, cl *kgo.Client) error {
	if g.pattern == "" {
		return nil
	}
	re, err := regexp.Compile("^(?:" + g.pattern + ")$")
	if err != nil {
		return err
	}
	g.Topics, err = kafkaconn.Topics(ctx, cl, re.MatchString)
	return err
}

func (g *Group) topic(ctx context.Context, cl *kgo.Client, topic string, checkpoint Checkpoint) error {
	bounds, err := kafkaconn.Offsets(ctx, cl, topic)
	if err != nil {
		return err
	}
	committed := map[int32]int64{}
	if g.Group != "" {
		if committed, err = kafkaconn.Committed(ctx, cl, g.Group, topic); err != nil {
			return err
		}
	}
	from, err := g.byTime(ctx, cl, topic, bounds)
	if err != nil {
		return err
	}
	for _, p := range slices.Sorted(maps.Keys(bounds)) {
		b := bounds[p]
		a := domain.Asked{Bounds: domain.Bounds{LogStart: b.LogStart, LastStable: b.LSO, HighWatermark: b.HighWatermark}, Committed: -1, From: -1}
		if at, has := committed[p]; has {
			a.Committed = at
		}
		if at, has := from[p]; has {
			a.From = at
		}
		first, how, ok := domain.ResolveStart(&g.start, p, a)
		if !ok {
			first = -1
		}
		g.Partitions = append(g.Partitions, Partition{topic, p, a.Committed, b.LogStart, b.HighWatermark, first, how, checkpoint.at(*g, topic, p)})
	}
	return nil
}

// byTime finds the first records at or after the timestamps that a start asks for.
func (g *Group) byTime(ctx context.Context, cl *kgo.Client, topic string, bounds map[int32]kafkaconn.Bounds) (map[int32]int64, error) {
	at := map[int32]int64{}
	for p := range bounds {
		if t, asked := g.start.Time(p); asked {
			at[p] = t
		}
	}
	if len(at) == 0 {
		return nil, nil
	}
	return kafkaconn.OffsetsAfter(ctx, cl, topic, at)
}

// Checkpoint is where a checkpoint or savepoint of Flink goes on, as a person read it there.
type Checkpoint map[string]int64

// ParseCheckpoint reads lines of source/partition:offset or source/topic/partition:offset, where source is a table of
// the SQL, the source's id, or hub; # begins a comment.
func ParseCheckpoint(text string) (Checkpoint, error) {
	c := Checkpoint{}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		cut := strings.LastIndexByte(line, ':')
		var offset int64
		var partition int32
		place := line[:max(cut, 0)]
		slash := strings.LastIndexByte(place, '/')
		_, err := fmt.Sscanf(line[cut+1:]+"\n", "%d\n", &offset)
		if _, err2 := fmt.Sscanf(place[slash+1:]+"\n", "%d\n", &partition); cut < 0 || slash < 1 || errors.Join(err, err2) != nil || offset < 0 || partition < 0 {
			return nil, fmt.Errorf("line %d: %q is not source/partition:offset", i+1, line)
		}
		c[place] = offset
	}
	return c, nil
}

func (c Checkpoint) at(g Group, topic string, partition int32) int64 {
	for _, of := range []string{g.Of, g.Table} {
		for _, key := range []string{fmt.Sprintf("%s/%d", of, partition), fmt.Sprintf("%s/%s/%d", of, topic, partition)} {
			if at, has := c[key]; has {
				return at
			}
		}
	}
	return -1
}
