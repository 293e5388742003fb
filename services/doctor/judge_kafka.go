package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
)

// judgeCluster judges what is true of every cluster, and reports whether it could be asked.
func (f *kafkaFacts) judgeCluster(s *system) bool {
	where := strings.Join(f.brokers, ", ")
	if f.err != nil {
		s.unreachable(where, f.err, kafkaconn.Explain(f.err))
		return false
	}
	id := f.cluster
	if id == "" {
		id = "without an id"
	}
	release := f.limits.Version
	if release == "" {
		release = "unknown"
	}
	s.add(Check{
		Name: "reachable", Verdict: Good, Found: fmt.Sprintf("%s: cluster %s, %s, release by its requests: %s", where, id, counted(f.nodes, "broker"), release),
		Setting: "brokers", Why: "rows of a cluster that does not answer wait",
	})
	if f.limErr != nil {
		s.add(Check{
			Name: "broker settings", Verdict: Unknown, Found: oneLine(f.limErr.Error()),
			Why: "limits of transactions and retention are unknown", Do: kafkaconn.Explain(f.limErr),
		})
	}
	return true
}

// judgeTransactions judges what exactly-once asks of the hub's brokers.
func (f *kafkaFacts) judgeTransactions(s *system, h *config.Hub) {
	if domain.Semantic(h.Semantic) != domain.ExactlyOnce || f.limErr != nil {
		return
	}
	version := f.limits.TransactionVersion
	s.add(Check{
		Name: "transaction.version", Verdict: when(version >= 2, Note), Found: fmt.Sprint(version), Needed: "2 (Kafka 4.0 and later)",
		Setting: "feature transaction.version of the cluster",
		Why:     "below 2 a request that the network held back may reach a later transaction of the same producer; Hefu sends no commit twice there and waits out what is unclear, but only the broker of 4.0 can refuse such a request",
		Do:      "upgrade the brokers, then kafka-features.sh --bootstrap-server " + f.brokers[0] + " upgrade --feature transaction.version=2",
	})
	timeout := Check{
		Name: "transaction timeout", Setting: "transaction.max.timeout.ms of the brokers, hub.transaction_timeout",
		Needed: "at least " + span(h.TransactionTimeout),
		Why:    "a producer that asks for more is refused: no row reaches the hub",
		Do:     fmt.Sprintf("raise transaction.max.timeout.ms to %d, or set hub.transaction_timeout to what is allowed", h.TransactionTimeout.Milliseconds()),
	}
	expires := Check{
		Name: "transactional id expiration", Setting: "transactional.id.expiration.ms of the brokers", Needed: "at least 24 h 0 min",
		Why: "an id that was silent for so long is forgotten, and with it the fence against a process that was only frozen",
		Do:  "set transactional.id.expiration.ms to 604800000, its default",
	}
	if most := f.limits.TransactionMaxTimeout; f.limits.Known && most > 0 {
		timeout.Verdict, timeout.Found = when(most >= h.TransactionTimeout, Bad), span(most)
	} else {
		timeout.notAllowed("cluster")
	}
	if d := f.limits.TransactionalIDExpiration; f.limits.Known && d > 0 {
		expires.Verdict, expires.Found = when(d >= 24*time.Hour, Note), span(d)
	} else {
		expires.notAllowed("cluster")
	}
	s.add(timeout)
	s.add(expires)
}

// notAllowed is the verdict over a setting that we may not read.
func (c *Check) notAllowed(on string) {
	c.Verdict = Unchecked
	c.Found = "the user may not read the " + on + "'s settings"
	c.Do = "grant DESCRIBE_CONFIGS on the " + on + " to check it"
}

// judgeIDs judges whether we may write with our transactional ids.
func (f *kafkaFacts) judgeIDs(s *system, h *config.Hub) {
	if domain.Semantic(h.Semantic) != domain.ExactlyOnce || len(f.ids) == 0 {
		return
	}
	c := Check{
		Name: "ACL transactional id", Needed: "WRITE", Setting: "ACLs of the hub's cluster",
		Why: "without it no transaction begins: no row reaches the hub",
	}
	first := ""
	for id := range f.ids {
		if first == "" || id < first {
			first = id
		}
	}
	prefix := first[:strings.LastIndexByte(first, '-')+1]
	c.Do = fmt.Sprintf("kafka-acls.sh --bootstrap-server %s --add --allow-principal %s --operation Write --transactional-id %s --resource-pattern-type prefixed", f.brokers[0], f.who, prefix)
	var denied []string
	var failed error
	for id, err := range f.ids {
		switch {
		case errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
			denied = append(denied, id)
		case err != nil:
			failed = err
		}
	}
	slices.Sort(denied)
	switch {
	case len(denied) > 0:
		c.Verdict, c.Found = Bad, "not even DESCRIBE on "+some(denied)
	case f.open:
		c.Verdict, c.Found = Good, "the cluster has no authorizer"
	case errors.Is(failed, errNoIDs):
		c.Verdict, c.Found = Unchecked, errNoIDs.Error()+", so brokers do not tell"
	case failed != nil:
		c.Verdict, c.Found, c.Do = Unknown, oneLine(failed.Error()), kafkaconn.Explain(failed)
	default:
		c.Verdict, c.Found = Unchecked, fmt.Sprintf("DESCRIBE on %s*; brokers do not tell about WRITE to who does not write", prefix)
	}
	s.add(c)
}

// judgeClock says what can be said of a broker's clock, which it never tells.
func (f *kafkaFacts) judgeClock(s *system, at time.Time) {
	var newest time.Time
	for i := range f.topics {
		if t := f.topics[i].newest; t.After(newest) {
			newest = t
		}
	}
	c := Check{
		Name: "clock", Needed: "rows that are not of the future", Setting: "NTP on the brokers, the producers and this host",
		Why: "retention by time keeps rows of the future for ever, a start by timestamp misses them, and Kerberos refuses clocks five minutes apart",
		Do:  "compare date -u on the brokers, the producers and this host",
	}
	const most = time.Minute
	switch ahead := newest.Sub(at); {
	case newest.IsZero():
		c.Verdict, c.Found = Unchecked, "brokers do not tell their time, and there is no row to go by"
	case ahead > most:
		c.Verdict, c.Found = Note, fmt.Sprintf("a hint: the newest row is %s ahead of this host (brokers do not tell their time)", span(ahead))
	default:
		c.Verdict, c.Found = Unchecked, fmt.Sprintf("brokers do not tell their time; a hint: the newest row is %s old", span(-ahead))
	}
	s.add(c)
}
