package doctor

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
)

// judgeHub judges the cluster and the topics that rows are written to.
func (p *pipelineFacts) judgeHub(s *system, f *facts) {
	if !p.hub.judgeCluster(s) {
		return
	}
	h := &p.config.Hub
	p.hub.judgeTransactions(s, h)
	p.hub.judgeIDs(s, h)
	for i := range p.hub.topics {
		t := &p.hub.topics[i]
		r := hubTopic
		if t.name == h.ProgressTopic {
			r = progressTopic
			if domain.Semantic(h.Semantic) == domain.None {
				continue // its progress is in the journal alone
			}
		}
		if r == progressTopic && t.absent {
			p.judgeToBeMade(s, t.name)
			continue
		}
		if !t.judgeThere(s, r) {
			continue
		}
		t.judgeReplicas(s)
		t.judgeElection(s)
		t.judgePolicy(s, r)
		if r == hubTopic {
			p.judgeHubTopic(s, t)
			t.judgeMay(s, p.hub.open, kmsg.ACLOperationWrite)
			t.judgeOpen(s, p.hub.limits.TransactionMaxTimeout, f.at)
			continue
		}
		p.judgePartitions(s, t)
		t.judgeMay(s, p.hub.open, kmsg.ACLOperationRead, kmsg.ACLOperationWrite)
	}
	p.hub.judgeBacklog(s)
	p.hub.judgeClock(s, f.at)
}

// judgeToBeMade is about a progress topic that the first start has yet to make.
func (p *pipelineFacts) judgeToBeMade(s *system, topic string) {
	c := Check{
		Name: "progress topic " + topic, Verdict: Good, Found: "is not there yet; the first start makes it", Needed: "CREATE on the topic or the cluster, or the topic",
		Setting: "ACLs of the hub's cluster", Why: "without it no row reaches the hub",
		Do: fmt.Sprintf("kafka-topics.sh --bootstrap-server %s --create --topic %s --partitions %d --replication-factor 3 --config cleanup.policy=compact --config min.insync.replicas=2",
			p.hub.brokers[0], topic, p.config.Shards),
	}
	switch {
	case p.hub.open:
	case p.hub.makeTopics == nil:
		c.Verdict, c.Found = Unchecked, "is not there yet, or is hidden; whether the user may make it is not told"
	case !*p.hub.makeTopics:
		c.Verdict, c.Found = Note, "is not there yet, or is hidden, and the user has no CREATE on the cluster"
	}
	s.add(c)
}

// judgePartitions judges that each shard has a partition for its progress.
func (p *pipelineFacts) judgePartitions(s *system, t *topicFacts) {
	n, shards := len(t.topic.Partitions), p.config.Shards
	s.add(Check{
		Name: "partitions of " + t.name, Verdict: when(n >= shards, Bad), Found: fmt.Sprint(n), Needed: fmt.Sprintf("%d, one a shard", shards),
		Setting: "shards", Why: "shards that share a partition hide each other's progress",
		Do: fmt.Sprintf("kafka-topics.sh --bootstrap-server %s --alter --topic %s --partitions %d", p.hub.brokers[0], t.name, shards),
	})
}

// judgeHubTopic judges what only the hub topic has to be.
func (p *pipelineFacts) judgeHubTopic(s *system, t *topicFacts) {
	if n := len(t.topic.Partitions); n < p.config.Shards {
		s.add(Check{
			Name: "shards", Verdict: Bad, Found: fmt.Sprintf("%d shards over %s", p.config.Shards, counted(n, "partition")), Needed: "at most one shard a partition",
			Setting: "shards", Why: "the start is refused", Do: fmt.Sprintf("set shards to at most %d", n),
		})
	}
	if !t.topic.ConfigKnown {
		return
	}
	s.add(Check{
		Name: "message.timestamp.type of " + t.name, Verdict: when(t.topic.TimestampType == "CreateTime", Bad), Found: t.topic.TimestampType, Needed: "CreateTime",
		Setting: "message.timestamp.type", Why: "hw_ts is the time in the journal; a topic that writes its own is refused at start",
		Do: t.configCommand("message.timestamp.type=CreateTime"),
	})
	if most, of := largest(p.sources); most > 0 {
		s.add(Check{
			Name: "max.message.bytes of " + t.name, Verdict: when(t.topic.MaxMessageBytes >= most, Note), Found: bytes(t.topic.MaxMessageBytes),
			Needed: fmt.Sprintf("%s, as %s of a city", bytes(most), of), Setting: "max.message.bytes",
			Why: "a row that the city took and the hub does not take is left out and listed",
			Do:  t.configCommand(fmt.Sprintf("max.message.bytes=%d", most+most/8)),
		})
	}
}

// judge judges a city, or the hub topic where that is the source.
func (src *sourceFacts) judge(s *system, f *facts) {
	k := &src.kafka
	if !k.judgeCluster(s) {
		return
	}
	if k.noTopic {
		s.add(Check{
			Name: "topics", Verdict: Bad, Found: "no topic matches", Needed: "one that can be read", Setting: "topic_pattern",
			Why: "the source reads nothing until there is one", Do: "compare the pattern with kafka-topics.sh --list; without the ACL DESCRIBE topics are hidden",
		})
	}
	for i := range k.topics {
		t := &k.topics[i]
		if !t.judgeThere(s, cityTopic) {
			continue
		}
		t.judgePolicy(s, cityTopic)
		t.judgeElection(s)
		t.judgePayload(s, f.journal.payload)
		t.judgeRetention(s, src.from, f.at)
		t.judgeMay(s, k.open, kmsg.ACLOperationRead)
		t.judgeOpen(s, k.limits.TransactionMaxTimeout, f.at)
	}
	src.judgeGroup(s)
	k.judgeClock(s, f.at)
}

// batchRoom is what a batch may take of an event (ingest.Config): the rest is for what
// the event holds beside it.
func batchRoom(payload int64) int64 { return payload - max(64<<10, payload/16) }

// judgePayload judges whether a batch of the city fits into an event.
func (t *topicFacts) judgePayload(s *system, payload int64) {
	if !t.topic.ConfigKnown || payload <= 0 {
		return
	}
	need := t.topic.MaxMessageBytes
	s.add(Check{
		Name: "max.message.bytes of " + t.name, Verdict: when(need <= batchRoom(payload), Bad), Found: bytes(need),
		Needed: "at most " + bytes(batchRoom(payload)), Setting: "max.message.bytes of the topic, max_payload of NATS",
		Why: "a batch is journaled whole; one that does not fit stops the source with an incident",
		Do:  fmt.Sprintf("raise max_payload of the NATS servers to %d (they take up to 64 MiB), or ask the city for a smaller max.message.bytes", need+max(64<<10, need/8)),
	})
}
