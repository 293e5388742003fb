package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a time zone must be known on hosts without a database of them; it shapes what is written

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// Names as their keepers allow them.
const (
	namesAllowed    = "1 to 32 of a-z, 0-9 and -"
	topicsAllowed   = "the name of a Kafka topic: 1 to 249 of a-z, A-Z, 0-9, ., _ and -"
	tablesAllowed   = "1 to 64 of a-z, A-Z, 0-9 and _, a letter first"
	cityAllowed     = "1 to 16 of a-z, A-Z, 0-9, _ and - (sscsdm is VARCHAR(16))"
	zoneAllowed     = "a name of the IANA database, as in Asia/Shanghai, or UTC"
	instanceAllowed = "1 to 64 of a-z, A-Z, 0-9, ., _ and -"
)

func pipelineName(key, value string) rule {
	return need(key, value, madeOf(value, 32, lower+digits+"-"), namesAllowed)
}

func topicName(key, value string) rule {
	good := madeOf(value, 249, lower+upper+digits+"._-") && value != "." && value != ".."
	return need(key, value, good, topicsAllowed)
}

func tableName(key, value string) rule {
	good := madeOf(value, 64, lower+upper+digits+"_") && strings.ContainsAny(value[:1], lower+upper)
	return need(key, value, good, tablesAllowed)
}

func zone(key, value string) rule {
	_, err := time.LoadLocation(value)
	// "Local" would make what is written depend on the host.
	return need(key, value, err == nil && value != "Local", zoneAllowed)
}

func (c *Config) rules() []rule {
	rules := slices.Concat([]rule{
		need("instance", c.Instance, madeOf(c.Instance, 64, lower+upper+digits+"._-"), instanceAllowed),
		need("data_dir", c.DataDir, true, "a directory"),
	}, c.Journal.rules(), []rule{
		loopback("api.listen", c.API.Listen),
		oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error"),
		oneOf("log.format", c.Log.Format, "text", "json"),
		{"pipelines", len(c.Pipelines) > 0, "is missing", "a list of at least one pipeline"},
	})
	for i := range c.Pipelines {
		rules = append(rules, c.Pipelines[i].rules(fmt.Sprintf("pipelines[%d]", i))...)
	}
	return append(rules, c.apart()...)
}

func (j *Journal) rules() []rule {
	external := j.Mode == ModeExternal
	const setting = "journal.mode: " + ModeExternal
	const allowed = "nats://host:port or tls://host:port"
	rules := []rule{
		oneOf("journal.mode", j.Mode, ModeEmbedded, ModeExternal),
		only("journal.servers", len(j.Servers) > 0, external, setting),
		only("journal.credentials_file", j.CredentialsFile != "", external, setting),
		only("journal.ca_file", j.CAFile != "", external, setting),
		only("journal.replicas", j.Replicas != 1, external, setting),
		{"journal.replicas", slices.Contains([]int{1, 3, 5}, j.Replicas), fmt.Sprintf("is %d", j.Replicas), "1, 3, 5"},
		between("journal.segment_bytes", j.SegmentBytes, 1<<20, 1<<40, "a roll costs a stream; a segment is archived and dropped as a whole"),
		between("journal.max_bytes", j.MaxBytes, j.SegmentBytes, 1<<50, "at least one segment"),
		between("journal.reserve_bytes", j.ReserveBytes, 1<<20, j.MaxBytes, "outcomes need room when ingest has none left"),
	}
	rules = append(rules, oneOf("journal.check_at_start", j.CheckAtStart, CheckAll, CheckCarried))
	rules = append(rules, j.Checkpoint.rules("journal.checkpoint")...)
	if j.Archive != nil {
		rules = append(rules, j.Archive.rules("journal.archive")...)
	}
	if external {
		rules = append(rules, each("journal.servers", j.Servers, func(key, value string) rule {
			return server(key, value, allowed, "nats", "tls")
		}, allowed)...)
	}
	return rules
}

func (p *Pipeline) rules(at string) []rule {
	in := &p.Ingest
	rules := slices.Concat([]rule{
		pipelineName(at+".name", p.Name),
		zone(at+".timezone", p.Timezone),
		between(at+".shards", p.Shards, 1, 1024, "each shard has streams and a hub partition of its own"),
		between(at+".ingest.event_bytes", in.EventBytes, 1<<10, 15<<20, "an event has to fit into a NATS message of 16MiB"),
		between(at+".ingest.linger", in.Linger, 0, 10*time.Second, "rows wait this long at most"),
		between(at+".ingest.queue_bytes", in.QueueBytes, max(in.EventBytes, in.FetchBytes), 64<<30, "at least one event and one fetch"),
		between(at+".ingest.fetch_bytes", in.FetchBytes, 1<<10, 1<<30, "of one partition"),
		between(at+".ingest.max_wait", in.MaxWait, time.Millisecond, 30*time.Second, "a stop waits for it"),
	}, p.Hub.rules(at+".hub"))
	if p.Doris != nil {
		rules = append(rules, p.Doris.rules(at+".doris", p.Timezone)...)
	}
	rules = append(rules, p.Reconcile.rules(at+".reconcile")...)
	rules = append(rules, p.Replay.rules(at+".replay")...)
	if p.Lineage != nil {
		rules = append(rules, p.Lineage.rules(at+".lineage")...)
	}
	if p.ReadHub != nil {
		return append(rules, p.ReadHub.rules(at+".read_hub", p)...)
	}
	rules = append(rules, rule{at + ".sources", len(p.Sources) > 0, "is missing", "a list of at least one source"})
	var ids, cities []string
	for i := range p.Sources {
		s := &p.Sources[i]
		ids, cities = append(ids, s.ID), append(cities, s.City)
		rules = append(rules, s.rules(fmt.Sprintf("%s.sources[%d]", at, i), p.Doris != nil)...)
		rules = append(rules, rule{
			fmt.Sprintf("%s.sources[%d].topic", at, i), !s.reads(p.Hub.Topic) || !p.Hub.on(s.Config),
			fmt.Sprintf("is %q, the hub topic itself", p.Hub.Topic), "a topic that this pipeline does not write",
		})
	}
	rules = append(rules, p.carries(at)...)
	source := func(key string) func(int) string {
		return func(i int) string { return fmt.Sprintf("%s.sources[%d].%s", at, i, key) }
	}
	return slices.Concat(rules,
		unique(source("id"), ids, "the journal knows a source by it"),
		unique(source("city"), cities, "rows of both could not be told apart"))
}

func (h *Hub) rules(at string) []rule {
	b := &h.Batch
	return slices.Concat(connection(at, h.Config, h.Properties), []rule{
		topicName(at+".topic", h.Topic),
		topicName(at+".progress_topic", h.ProgressTopic),
		{at + ".progress_topic", h.ProgressTopic != h.Topic, "is the hub topic", "a topic of its own"},
		between(at+".batch.rows", b.Rows, 1, 10_000_000, "rows of one transaction"),
		between(at+".batch.bytes", b.Bytes, 1<<10, 1<<30, "held in memory until the commit"),
		between(at+".batch.age", b.Age, time.Millisecond, 10*time.Second, "an open transaction holds back every reader of the hub"),
		between(at+".batch.runs", b.Runs, 1, 65_536, "all of them are in one outcome event"),
		between(at+".transaction_timeout", h.TransactionTimeout, max(time.Second, 2*b.Age), 15*time.Minute,
			"longer than a batch takes, at most the brokers' transaction.max.timeout.ms"),
		oneOf(at+".semantic", h.Semantic, string(domain.None), string(domain.AtLeastOnce), string(domain.ExactlyOnce)),
	}, h.Format.rules(at+".format"))
}

// rules are those of a pipeline that reads the hub topic p.Hub.
func (r *ReadHub) rules(at string, p *Pipeline) []rule {
	return append([]rule{
		{at, len(p.Sources) == 0, "is given beside sources", "one of sources and read_hub"},
		{at, p.Doris != nil, "leads nowhere", "only with doris: the rows are in the hub already"},
	}, r.Reading.rules(at)...)
}

// is says whether a topic elsewhere is this hub topic, as far as addresses tell.
func (h *Hub) is(other kafkaconn.Config, topic string) bool {
	return topic == h.Topic && h.on(other)
}

// on says whether another connection is to the hub's cluster, as far as addresses tell.
func (h *Hub) on(other kafkaconn.Config) bool {
	return slices.ContainsFunc(other.Brokers, func(b string) bool { return slices.Contains(h.Brokers, b) })
}

func (s *Source) rules(at string, withTable bool) []rule {
	return slices.Concat([]rule{
		pipelineName(at+".id", s.ID),
		need(at+".city", s.City, madeOf(s.City, 16, lower+upper+digits+"_-"), cityAllowed),
	}, connection(at, s.Config, s.Properties), s.topics(at), s.Reading.rules(at), s.Records.rules(at, withTable))
}

// apart keeps pipelines from writing the same thing: each hub topic, progress topic and table has one pipeline that goes on.
func (c *Config) apart() []rule {
	name := func(key string) func(int) string {
		return func(i int) string { return fmt.Sprintf("pipelines[%d].%s", i, key) }
	}
	var names []string
	var rules []rule
	for i := range c.Pipelines {
		p := &c.Pipelines[i]
		names = append(names, p.Name)
		for j := range c.Pipelines[:i] {
			o := &c.Pipelines[j]
			// What is only read may be another's: a backlog is loaded into the table that goes on.
			reads := p.ReadHub != nil || o.ReadHub != nil
			rules = append(rules,
				rule{name("hub.topic")(i), reads || !o.Hub.is(p.Hub.Config, p.Hub.Topic), "is also " + name("hub.topic")(j), "a topic of its own"},
				rule{name("hub.progress_topic")(i), reads || p.Hub.ProgressTopic != o.Hub.ProgressTopic, "is also " + name("hub.progress_topic")(j), "a topic of its own"},
				rule{name("doris.table")(i), reads || !p.Doris.is(o.Doris), "is also " + name("doris.table")(j), "a table of its own"},
				rule{
					name("read_hub.bounded")(i), p.ReadHub == nil || o.ReadHub != nil || !p.Doris.is(o.Doris) || p.ReadHub.Bounded != "",
					"is missing, and " + name("doris.table")(j) + " is loaded too", "an end: from there on the rows are the other pipeline's",
				})
		}
	}
	return append(unique(name("name"), names, "streams and labels carry it"), rules...)
}
