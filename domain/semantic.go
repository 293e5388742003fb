package domain

// Semantic is what a target promises about a row when a process dies.
type Semantic string

// The semantics, in Flink's words (sink.semantic). An operator may change one between
// runs: each intent names its own and is settled by it. Empty is exactly-once.
const (
	None        Semantic = "none"
	AtLeastOnce Semantic = "at-least-once"
	ExactlyOnce Semantic = "exactly-once"
)

// Exactly reports whether it is exactly-once: nobody but the owner of the stream can
// bring its intents about once the target is fenced.
func (s Semantic) Exactly() bool { return s != None && s != AtLeastOnce }

// Promise is what it means for a Doris table, in one sentence for people.
func (s Semantic) Promise() string {
	switch s {
	case None:
		return "what is under way at a crash, a stop or a silence counts as loaded, and its rows may be lost"
	case AtLeastOnce:
		return "a crash or a silence may double rows and loses none"
	case ExactlyOnce:
		return "a crash neither loses nor doubles a row"
	default:
		return "unknown semantic " + string(s)
	}
}

// HubPromise is what it means for a hub topic, in one sentence for people. The weaker
// ones have no fence in Kafka, only the journal's: a process that was replaced while it
// slept may write once more, and finds out when it appends to the journal.
func (s Semantic) HubPromise() string {
	switch s {
	case None:
		return "a row is sent once; what is not acknowledged, or under way at a crash, is listed in the journal as excluded and may be lost, there and in Doris"
	case AtLeastOnce:
		return "a crash or a lost answer may double rows and loses none, and a process that was replaced may write once more"
	case ExactlyOnce:
		return "a crash neither loses nor doubles a row for readers with isolation.level=read_committed"
	default:
		return "unknown semantic " + string(s)
	}
}
