package doctor

import (
	"fmt"
	"time"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

const (
	// brokersPatience is the default of transaction.max.timeout.ms: nothing that any
	// coordinator still knows is open for longer.
	brokersPatience = 15 * time.Minute
	// endingTakes is how much later than at its time-out a coordinator may end a
	// transaction: it looks every ten seconds.
	endingTakes = 30 * time.Second
	// young is an age that nobody minds.
	young = time.Minute
)

// judgeOpen judges the transactions that are open in a topic: no reader with
// read_committed sees past the first of a partition.
// most is the longest that the brokers let one be open, 0 where that is not known.
func (t *topicFacts) judgeOpen(s *system, most time.Duration, now time.Time) {
	if most <= 0 {
		most = brokersPatience
	}
	name := "open transactions of " + t.name
	if t.opErr != nil {
		s.add(Check{
			Name: name, Verdict: Unchecked, Found: oneLine(t.opErr.Error()),
			Why: "a transaction that hangs holds all later rows of its partition back for ever", Do: "grant READ on the topic, and DESCRIBE on the transactional ids; brokers before 2.8 cannot be asked",
		})
	}
	quiet, oldest := 0, time.Duration(0)
	for _, o := range t.openAt {
		age := ageOf(&o, now)
		if v := verdictOf(&o, age, most); v != Good {
			s.add(openCheck(&o, v, age, t.broker))
			continue
		}
		quiet, oldest = quiet+1, max(oldest, age)
	}
	if t.opErr != nil {
		return
	}
	found := "none"
	if len(t.openAt) > 0 {
		found = fmt.Sprintf("%d, %d of them young", len(t.openAt), quiet)
	}
	if quiet > 0 {
		found += ", the oldest of these for " + span(oldest)
	}
	if quiet == len(t.openAt) {
		s.add(Check{Name: name, Verdict: Good, Found: found, Setting: "transaction.timeout.ms of the producers", Why: "readers wait behind an open transaction"})
	}
}

func ageOf(o *kafkaconn.OpenTransaction, now time.Time) time.Duration {
	began := o.StartedAt
	if began.IsZero() {
		began = o.LastTimestamp
	}
	return max(0, now.Sub(began))
}

// verdictOf says whether a transaction will end by itself. One without an owner that we
// can see may be somebody's whose id is hidden from us, as long as it is no older than
// any transaction may be.
func verdictOf(o *kafkaconn.OpenTransaction, age, most time.Duration) Verdict {
	limit := most
	if o.Timeout > 0 && !o.Hanging {
		limit = o.Timeout
	}
	switch {
	case age > limit+endingTakes:
		return Bad
	case age > young:
		return Note
	default:
		return Good
	}
}

func openCheck(o *kafkaconn.OpenTransaction, v Verdict, age time.Duration, broker string) Check {
	owner := "owner " + o.TransactionalID
	if o.TransactionalID == "" {
		owner = fmt.Sprintf("no owner that is shown to us, producer %d", o.ProducerID)
	}
	state := o.State
	switch {
	case o.Hanging:
		state = "no coordinator will end it"
	case state == "":
		state = "state unknown"
	}
	return Check{
		Name: fmt.Sprintf("open transaction %s/%d", o.Topic, o.Partition), Verdict: v,
		Found:   fmt.Sprintf("%s, open for %s, from offset %d on, %s", owner, span(age), o.FirstOffset, state),
		Needed:  "ended",
		Setting: "transaction.timeout.ms of its producer",
		Why:     fmt.Sprintf("no row of partition %d from offset %d on is shown to readers of committed rows until it ends", o.Partition, o.FirstOffset),
		Do:      o.EndCommand(broker),
	}
}
