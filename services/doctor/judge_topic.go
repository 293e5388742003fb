package doctor

import (
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// role is what a topic is for.
type role string

const (
	cityTopic     role = "city topic"
	hubTopic      role = "hub topic"
	progressTopic role = "progress topic"
)

// judgeThere judges that a topic is there and led, and reports whether there is more to
// say about it.
func (t *topicFacts) judgeThere(s *system, r role) bool {
	c := Check{Name: string(r) + " " + t.name, Setting: "topic", Why: "its rows wait"}
	switch {
	case errors.Is(t.err, kerr.TopicAuthorizationFailed):
		c.Verdict, c.Found, c.Needed = Bad, "the user may not even describe it", "READ"
		if r != cityTopic {
			c.Needed = "WRITE"
		}
		c.Do = t.aclCommand(c.Needed)
	case t.absent && r == hubTopic:
		c.Verdict, c.Found, c.Needed = Bad, "is not there, or is hidden from the user", "a topic; Hefu never makes it"
		c.Do = fmt.Sprintf("kafka-topics.sh --bootstrap-server %s --create --topic %s --partitions 24 --replication-factor 3 --config min.insync.replicas=2", t.broker, t.name)
	case t.absent:
		c.Verdict, c.Found, c.Needed = Bad, "is not there, or is hidden from the user", "a topic that can be read"
		c.Do = "name the city's topic in sources, or have the ACL READ on it granted"
	case t.err != nil:
		c.Verdict, c.Found, c.Do = Unknown, oneLine(t.err.Error()), kafkaconn.Explain(t.err)
	default:
		t.judgeLed(&c)
		s.add(c)
		return true
	}
	s.add(c)
	return false
}

func (t *topicFacts) judgeLed(c *Check) {
	without := t.leaderless()
	c.Found = fmt.Sprintf("%s, %s, %d in sync", counted(len(t.topic.Partitions), "partition"), counted(t.limits.Replicas, "replica"), t.limits.InSync)
	c.Verdict = when(len(without) == 0, Bad)
	if len(without) > 0 {
		c.Found += "; without a leader: " + some(without)
		c.Needed, c.Do = "a leader of each", "start the brokers that hold them"
	}
}

// judgeReplicas judges what the loss of a broker means to a topic that is ours to keep.
func (t *topicFacts) judgeReplicas(s *system) {
	l := &t.limits
	why := "with the loss of one broker's disk the topic is gone, and with it rows that readers had not read"
	if l.Replicas == 2 {
		why = "with the loss of one broker there is one copy left, or writing stops"
	}
	s.add(Check{
		Name: "replicas of " + t.name, Verdict: when(l.Replicas >= 3, Note), Found: fmt.Sprint(l.Replicas), Needed: "3",
		Setting: "replication factor", Why: why, Do: "kafka-reassign-partitions.sh with three replicas for each partition",
	})
	if !l.Known {
		c := Check{Name: "settings of " + t.name, Needed: "min.insync.replicas 2, no unclean election", Why: "what one broker's loss means is unknown"}
		c.notAllowed("topic")
		s.add(c)
		return
	}
	c := Check{
		Name: "min.insync.replicas of " + t.name, Found: fmt.Sprintf("%d of %d", l.MinInsyncReplicas, l.Replicas), Needed: "2 of 3",
		Setting: "min.insync.replicas", Why: "a row that only one broker had is acknowledged, and lost with it",
		Do: t.configCommand("min.insync.replicas=2"),
	}
	switch {
	case l.MinInsyncReplicas > l.InSync:
		c.Verdict, c.Needed = Bad, fmt.Sprintf("%d in sync, %d are", l.MinInsyncReplicas, l.InSync)
		c.Why, c.Do = "nothing can be written now", "start the brokers that hold the other replicas"
	case l.MinInsyncReplicas >= 2:
		c.Verdict = Good
	default:
		c.Verdict = Note
	}
	s.add(c)
}

// judgeElection judges whether a topic may lose rows that it acknowledged.
func (t *topicFacts) judgeElection(s *system) {
	if !t.limits.Known {
		return
	}
	found := "false"
	if t.limits.UncleanElection {
		found = "true"
	}
	s.add(Check{
		Name: "unclean election of " + t.name, Verdict: when(!t.limits.UncleanElection, Note), Found: found, Needed: "false",
		Setting: "unclean.leader.election.enable", Why: "a replica that lacks acknowledged rows may become the leader: they are gone, and Hefu stops with an incident",
		Do: t.configCommand("unclean.leader.election.enable=false"),
	})
}

// judgePolicy judges whether rows of a topic stay until they are read.
func (t *topicFacts) judgePolicy(s *system, r role) {
	if !t.limits.Known {
		return
	}
	policy := t.limits.CleanupPolicy
	compacts := strings.Contains(policy, "compact")
	c := Check{Name: "cleanup.policy of " + t.name, Found: policy, Needed: "delete", Setting: "cleanup.policy", Do: t.configCommand("cleanup.policy=delete")}
	switch r {
	case progressTopic:
		c.Needed, c.Verdict = "compact", when(compacts && !strings.Contains(policy, "delete"), Bad)
		c.Why = "retention would delete how far the hub is: after that no start can tell what was sent"
		c.Do = t.configCommand("cleanup.policy=compact")
	case hubTopic:
		c.Verdict = when(!compacts, Bad)
		c.Why = "a compacted topic refuses rows without a key, and of rows with the same key keeps one"
	case cityTopic:
		c.Verdict = when(!compacts, Note)
		c.Why = "of rows with the same key all but the newest may vanish before they are read; the books list them as compacted"
		c.Do = "ask the city: cleanup.policy=delete"
	}
	s.add(c)
}

// judgeMay judges what the user may do with a topic.
func (t *topicFacts) judgeMay(s *system, open bool, needs ...kmsg.ACLOperation) {
	var want, lacks []string
	for _, op := range needs {
		want = append(want, op.String())
		if !t.may.may(op) {
			lacks = append(lacks, op.String())
		}
	}
	c := Check{
		Name: "ACL " + t.name, Needed: strings.Join(want, " and "), Setting: "ACLs of the cluster",
		Why: "the first request is refused, and rows wait", Do: t.aclCommand(lacks...),
	}
	switch {
	case open:
		c.Verdict, c.Found = Good, "the cluster has no authorizer"
	case !t.may.told():
		c.Verdict, c.Found, c.Do = Unchecked, "this broker does not tell what a user may do (before 2.3)", ""
	case len(lacks) > 0:
		c.Verdict, c.Found = Bad, "no "+strings.Join(lacks, ", no ")
	default:
		c.Verdict, c.Found = Good, strings.Join(want, " and ")
	}
	s.add(c)
}

func (t *topicFacts) aclCommand(operations ...string) string {
	var ops strings.Builder
	for _, op := range operations {
		ops.WriteString(" --operation " + op)
	}
	return fmt.Sprintf("kafka-acls.sh --bootstrap-server %s --add --allow-principal %s%s --topic %s", t.broker, t.who, ops.String(), t.name)
}

func (t *topicFacts) configCommand(setting string) string {
	return "kafka-configs.sh --bootstrap-server " + t.broker + " --alter --entity-type topics --entity-name " + t.name + " --add-config " + setting
}
