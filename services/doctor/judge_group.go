package doctor

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
)

// judgeGroup judges the offsets that a source is to begin at, and whether the position
// can be told to its group.
func (src *sourceFacts) judgeGroup(s *system) {
	g := src.kafka.group
	if g == nil {
		return
	}
	if g.err != nil {
		c := Check{
			Name: "group " + g.name, Verdict: Unknown, Found: oneLine(g.err.Error()), Needed: "DESCRIBE and READ on the group",
			Setting: "ACLs of the cluster", Why: "where the source begins is not known", Do: kafkaconn.Explain(g.err),
		}
		if errors.Is(g.err, kerr.GroupAuthorizationFailed) {
			c.Verdict, c.Do = Bad, src.kafka.groupCommand()
		}
		s.add(c)
		return
	}
	if src.reading.Start == config.StartGroupOffsets && !src.began {
		for i := range src.kafka.topics {
			src.judgeStart(s, &src.kafka.topics[i])
		}
	}
	src.judgeGroupMay(s)
}

// judgeStart judges the offsets of one topic.
func (src *sourceFacts) judgeStart(s *system, t *topicFacts) {
	g := src.kafka.group
	c := Check{
		Name: "group offsets of " + t.name, Needed: "one inside the log for each partition", Setting: "group, start: group-offsets, on_missing_cursor",
		Why: "where the job before stopped is where this one begins; anything else doubles or drops rows",
	}
	var missing, below, beyond []string
	var deleted int64
	for i := range t.parts {
		p := &t.parts[i]
		at, ok := g.committed[t.name][p.id]
		switch {
		case !ok:
			missing = append(missing, fmt.Sprint(p.id))
		case at < p.bounds.LogStart:
			below = append(below, fmt.Sprint(p.id))
			deleted += p.bounds.LogStart - at
		case at > p.bounds.HighWatermark:
			beyond = append(beyond, fmt.Sprint(p.id))
		}
	}
	switch {
	case len(below) > 0:
		c.Verdict, c.Found = Bad, fmt.Sprintf("%s offsets after those of group %s are deleted (partitions %s)", count(deleted), g.name, some(below))
		c.Do = "the start is refused; say with start: specific-offsets or earliest-offset that these rows may be missing"
	case len(beyond) > 0:
		c.Verdict, c.Found = Bad, fmt.Sprintf("offsets of group %s are beyond the end of partitions %s", g.name, some(beyond))
		c.Do = "the topic was made anew or cut: find out which, then use start: specific-offsets"
	case len(missing) > 0:
		c.Verdict = when(src.reading.OnMissingCursor != config.MissingFail, Bad)
		c.Found = fmt.Sprintf("group %s has no offset for partitions %s; on_missing_cursor: %s", g.name, some(missing), src.reading.OnMissingCursor)
		c.Do = "stop Flink with a savepoint so that it commits, or set on_missing_cursor"
		if c.Verdict == Good {
			c.Verdict = Note
		}
	default:
		c.Verdict, c.Found = Good, fmt.Sprintf("group %s has one for each of %s", g.name, counted(len(t.parts), "partition"))
	}
	s.add(c)
}

func (src *sourceFacts) judgeGroupMay(s *system) {
	g := src.kafka.group
	c := Check{
		Name: "ACL group " + g.name, Needed: "READ", Setting: "ACLs of the cluster", Why: "the position cannot be told to the tools that show lag",
		Do: src.kafka.groupCommand(),
	}
	switch {
	case src.kafka.open:
		c.Verdict, c.Found = Good, "the cluster has no authorizer"
	case g.absent:
		c.Verdict, c.Found = Unchecked, "the group is not known to this cluster, so that it does not tell what a user may do with it"
	case !g.may.told():
		c.Verdict, c.Found, c.Do = Unchecked, "this cluster does not tell what a user may do with the group", ""
	case g.may.may(kmsg.ACLOperationRead):
		c.Verdict, c.Found = Good, "READ"
	default:
		c.Verdict, c.Found = Note, "no READ"
	}
	s.add(c)
}

func (f *kafkaFacts) groupCommand() string {
	return fmt.Sprintf("kafka-acls.sh --bootstrap-server %s --add --allow-principal %s --operation Read --group %s", f.brokers[0], f.who, f.group.name)
}

// largest is the largest of the batches that the topics of some sources take, with the
// topic; 0 where it is not known.
func largest(sources []sourceFacts) (n int64, topic string) {
	for i := range sources {
		for _, t := range sources[i].kafka.topics {
			if t.topic.ConfigKnown && t.topic.MaxMessageBytes > n {
				n, topic = t.topic.MaxMessageBytes, t.name
			}
		}
	}
	return n, topic
}
