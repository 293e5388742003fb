package doctor

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
)

// judged is what one check must say.
type judged struct {
	name    string
	verdict Verdict
	found   string // part of it
}

func (j judged) demand(t *testing.T, checks []Check) {
	t.Helper()
	for _, c := range checks {
		if c.Name != j.name {
			continue
		}
		if c.Verdict != j.verdict || !strings.Contains(c.Found, j.found) {
			t.Errorf("%s is %s: %s; want %s with %q", c.Name, c.Verdict, c.Found, j.verdict, j.found)
		}
		if c.Verdict == Bad && (c.Why == "" || c.Do == "") {
			t.Errorf("%s is not good, and there is no reason or no mend: %+v", c.Name, c)
		}
		return
	}
	t.Errorf("no check %q in %+v", j.name, checks)
}

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func TestTransactionLimits(t *testing.T) {
	exactly := config.Hub{Semantic: "exactly-once", TransactionTimeout: 15 * time.Second}
	good := kafkaconn.Limits{Known: true, TransactionVersion: 2, TransactionMaxTimeout: 15 * time.Second, TransactionalIDExpiration: 24 * time.Hour}
	with := func(change func(*kafkaconn.Limits)) kafkaconn.Limits {
		l := good
		change(&l)
		return l
	}
	for _, c := range []struct {
		limits kafkaconn.Limits
		want   judged
	}{
		{good, judged{"transaction.version", Good, "2"}},
		{with(func(l *kafkaconn.Limits) { l.TransactionVersion = 1 }), judged{"transaction.version", Note, "1"}},
		{good, judged{"transaction timeout", Good, "15.0 s"}},
		{with(func(l *kafkaconn.Limits) { l.TransactionMaxTimeout = 14 * time.Second }), judged{"transaction timeout", Bad, "14.0 s"}},
		{kafkaconn.Limits{TransactionVersion: 2}, judged{"transaction timeout", Unchecked, "may not read"}},
		{with(func(l *kafkaconn.Limits) { l.TransactionalIDExpiration = time.Hour }), judged{"transactional id expiration", Note, "1 h"}},
		{with(func(l *kafkaconn.Limits) { l.TransactionalIDExpiration = 0 }), judged{"transactional id expiration", Unchecked, ""}},
	} {
		f := kafkaFacts{brokers: []string{"a:1"}, limits: c.limits}
		var s system
		f.judgeTransactions(&s, &exactly)
		c.want.demand(t, s.checks)
	}
	// Without transactions none of it matters.
	for _, semantic := range []string{"at-least-once", "none"} {
		f := kafkaFacts{brokers: []string{"a:1"}}
		var s system
		f.judgeTransactions(&s, &config.Hub{Semantic: semantic})
		f.ids = map[string]error{"hefu-bridge-0": nil}
		f.judgeIDs(&s, &config.Hub{Semantic: semantic})
		if len(s.checks) > 0 {
			t.Errorf("%s: %+v", semantic, s.checks)
		}
	}
}

func TestTransactionalIDs(t *testing.T) {
	hub := config.Hub{Semantic: "exactly-once"}
	for _, c := range []struct {
		err  error
		open bool
		want judged
	}{
		{nil, false, judged{"ACL transactional id", Unchecked, "DESCRIBE on hefu-bridge-*"}},
		{nil, true, judged{"ACL transactional id", Good, "no authorizer"}},
		{kerr.TransactionalIDAuthorizationFailed, false, judged{"ACL transactional id", Bad, "hefu-bridge-0"}},
		{errNoIDs, false, judged{"ACL transactional id", Unchecked, "ever begun"}},
		{errors.New("silence"), false, judged{"ACL transactional id", Unknown, "silence"}},
	} {
		f := kafkaFacts{brokers: []string{"a:1"}, who: "User:hefu", open: c.open, ids: map[string]error{"hefu-bridge-0": c.err}}
		var s system
		f.judgeIDs(&s, &hub)
		c.want.demand(t, s.checks)
		if do := s.checks[0].Do; c.want.verdict == Bad && !strings.Contains(do, "User:hefu --operation Write --transactional-id hefu-bridge- ") {
			t.Errorf("do: %s", do)
		}
	}
}

func TestOperations(t *testing.T) {
	bits := func(ops ...kmsg.ACLOperation) (o operations) {
		for _, op := range ops {
			o |= 1 << op
		}
		return o
	}
	for _, c := range []struct {
		may  operations
		open bool
		want judged
	}{
		{bits(kmsg.ACLOperationRead, kmsg.ACLOperationWrite), false, judged{"ACL rows", Good, "READ and WRITE"}},
		{bits(kmsg.ACLOperationRead, kmsg.ACLOperationDescribe), false, judged{"ACL rows", Bad, "no WRITE"}},
		{0, false, judged{"ACL rows", Bad, "no READ, no WRITE"}},
		{0, true, judged{"ACL rows", Good, "no authorizer"}},
		{math.MinInt32, false, judged{"ACL rows", Unchecked, "does not tell"}},
	} {
		f := topicFacts{name: "rows", broker: "a:1", who: "User:hefu", may: c.may}
		var s system
		f.judgeMay(&s, c.open, kmsg.ACLOperationRead, kmsg.ACLOperationWrite)
		c.want.demand(t, s.checks)
	}
}

func TestTopicIsThere(t *testing.T) {
	led := kafkaconn.Topic{Partitions: []kafkaconn.Partition{{ID: 0, Leader: 1}, {ID: 1, Leader: 1}}}
	for _, c := range []struct {
		role  role
		facts topicFacts
		want  judged
	}{
		{cityTopic, topicFacts{topic: led, limits: kafkaconn.TopicLimits{Replicas: 3, InSync: 2}}, judged{"city topic rows", Good, "2 partitions, 3 replicas, 2 in sync"}},
		{cityTopic, topicFacts{topic: kafkaconn.Topic{Partitions: []kafkaconn.Partition{{ID: 7, Leader: -1}}}}, judged{"city topic rows", Bad, "without a leader: 7"}},
		{cityTopic, topicFacts{absent: true, err: kafkaconn.ErrNoTopic}, judged{"city topic rows", Bad, "is not there, or is hidden"}},
		{hubTopic, topicFacts{absent: true, err: kafkaconn.ErrNoTopic}, judged{"hub topic rows", Bad, "is not there, or is hidden"}},
		{hubTopic, topicFacts{err: kerr.TopicAuthorizationFailed}, judged{"hub topic rows", Bad, "may not even describe"}},
		{hubTopic, topicFacts{err: errors.New("silence")}, judged{"hub topic rows", Unknown, "silence"}},
	} {
		c.facts.name, c.facts.broker = "rows", "a:1"
		var s system
		if there := c.facts.judgeThere(&s, c.role); there != (c.facts.err == nil) {
			t.Errorf("%+v: there is %v", c.want, there)
		}
		c.want.demand(t, s.checks)
	}
}

func TestReplicas(t *testing.T) {
	for _, c := range []struct {
		limits kafkaconn.TopicLimits
		want   judged
	}{
		{kafkaconn.TopicLimits{Replicas: 3, InSync: 3, Known: true, MinInsyncReplicas: 2}, judged{"replicas of rows", Good, "3"}},
		{kafkaconn.TopicLimits{Replicas: 2, InSync: 2, Known: true, MinInsyncReplicas: 2}, judged{"replicas of rows", Note, "2"}},
		{kafkaconn.TopicLimits{Replicas: 3, InSync: 3, Known: true, MinInsyncReplicas: 2}, judged{"min.insync.replicas of rows", Good, "2 of 3"}},
		{kafkaconn.TopicLimits{Replicas: 3, InSync: 3, Known: true, MinInsyncReplicas: 1}, judged{"min.insync.replicas of rows", Note, "1 of 3"}},
		{kafkaconn.TopicLimits{Replicas: 3, InSync: 1, Known: true, MinInsyncReplicas: 2}, judged{"min.insync.replicas of rows", Bad, "2 of 3"}},
		{kafkaconn.TopicLimits{Replicas: 3, InSync: 3}, judged{"settings of rows", Unchecked, "may not read"}},
	} {
		f := topicFacts{name: "rows", limits: c.limits}
		var s system
		f.judgeReplicas(&s)
		c.want.demand(t, s.checks)
	}
}

func TestCleanupPolicy(t *testing.T) {
	for _, c := range []struct {
		role    role
		policy  string
		verdict Verdict
	}{
		{hubTopic, "delete", Good},
		{hubTopic, "compact", Bad},
		{hubTopic, "compact,delete", Bad},
		{progressTopic, "compact", Good},
		{progressTopic, "delete", Bad},
		{progressTopic, "compact,delete", Bad},
		{cityTopic, "delete", Good},
		{cityTopic, "compact,delete", Note},
	} {
		f := topicFacts{name: "rows", limits: kafkaconn.TopicLimits{Known: true, CleanupPolicy: c.policy}}
		var s system
		f.judgePolicy(&s, c.role)
		judged{"cleanup.policy of rows", c.verdict, c.policy}.demand(t, s.checks)
	}
}

func TestOpenTransactions(t *testing.T) {
	const name = "open transaction rows/3"
	ours := kafkaconn.OpenTransaction{Topic: "rows", Partition: 3, FirstOffset: 42, TransactionalID: "flink-1", State: "Ongoing", Timeout: 15 * time.Minute}
	for _, c := range []struct {
		age, timeout, most time.Duration
		hanging            bool
		owner              string
		verdict            Verdict
	}{
		{30 * time.Second, 15 * time.Minute, 0, false, "flink-1", Good},
		{2 * time.Minute, 15 * time.Minute, 0, false, "flink-1", Note},
		{15*time.Minute + 20*time.Second, 15 * time.Minute, 0, false, "flink-1", Note}, // the coordinator looks every ten seconds
		{16 * time.Minute, 15 * time.Minute, 0, false, "flink-1", Bad},
		{3 * time.Minute, time.Minute, 0, false, "flink-1", Bad},
		{3 * time.Minute, 0, 0, true, "", Note}, // its owner may be hidden from us
		{16 * time.Minute, 0, 0, true, "", Bad},
		{16 * time.Minute, 0, time.Hour, true, "", Note},
	} {
		o := ours
		o.StartedAt, o.Timeout, o.Hanging, o.TransactionalID = noon.Add(-c.age), c.timeout, c.hanging, c.owner
		f := topicFacts{name: "rows", broker: "a:1", openAt: []kafkaconn.OpenTransaction{o}}
		var s system
		f.judgeOpen(&s, c.most, noon)
		if c.verdict == Good {
			judged{"open transactions of rows", Good, "1, 1 of them young, the oldest of these for 30.0 s"}.demand(t, s.checks)
			continue
		}
		judged{name, c.verdict, "open for " + span(c.age) + ", from offset 42 on"}.demand(t, s.checks)
		want := "forceTerminateTransaction --transactionalId flink-1"
		if c.hanging {
			want = "abort --topic rows --partition 3 --start-offset 42"
		}
		if do := s.checks[0].Do; !strings.Contains(do, want) || !strings.Contains(do, "a:1") {
			t.Errorf("do %q, want %q", do, want)
		}
	}
	f := topicFacts{name: "rows", opErr: errors.New("not allowed")}
	var s system
	f.judgeOpen(&s, 0, noon)
	judged{"open transactions of rows", Unchecked, "not allowed"}.demand(t, s.checks)
}

func TestGroupOffsets(t *testing.T) {
	at := func(n int64) map[int32]int64 { return map[int32]int64{0: n} }
	for _, c := range []struct {
		committed map[int32]int64
		missing   string
		began     bool
		want      judged
	}{
		{at(10), "fail", false, judged{"group offsets of rows", Good, "1 partition"}},
		{at(20), "fail", false, judged{"group offsets of rows", Good, ""}},
		{at(9), "fail", false, judged{"group offsets of rows", Bad, "1 offsets after those of group g are deleted"}},
		{at(21), "fail", false, judged{"group offsets of rows", Bad, "beyond the end"}},
		{nil, "fail", false, judged{"group offsets of rows", Bad, "no offset"}},
		{nil, "earliest", false, judged{"group offsets of rows", Note, "on_missing_cursor: earliest"}},
		{nil, "fail", true, judged{"ACL group g", Good, "READ"}}, // the journal has a position
	} {
		src := sourceFacts{
			began: c.began, reading: &config.Reading{Start: "group-offsets", Group: "g", OnMissingCursor: c.missing},
			kafka: kafkaFacts{
				brokers: []string{"a:1"}, group: &groupFacts{name: "g", may: 1 << kmsg.ACLOperationRead, committed: map[string]map[int32]int64{"rows": c.committed}},
				topics: []topicFacts{{name: "rows", parts: []partFacts{{bounds: kafkaconn.Bounds{LogStart: 10, LSO: 20, HighWatermark: 20}}}}},
			},
		}
		var s system
		src.judgeGroup(&s)
		c.want.demand(t, s.checks)
		if c.began && len(s.checks) > 1 {
			t.Errorf("%+v", s.checks)
		}
	}
	src := sourceFacts{reading: &config.Reading{}, kafka: kafkaFacts{brokers: []string{"a:1"}, group: &groupFacts{name: "g", err: kerr.GroupAuthorizationFailed}}}
	var s system
	src.judgeGroup(&s)
	judged{"group g", Bad, ""}.demand(t, s.checks)
}
