package domain

// Semantic is what a target promises about a row when a process dies.
type Semantic string

// The semantics, in Flink's words (sink.semantic). This pipeline is exactly-once
// throughout; the weaker two are named so that reports and checks can say them.
const (
	None        Semantic = "none"
	AtLeastOnce Semantic = "at-least-once"
	ExactlyOnce Semantic = "exactly-once"
)

// Promise is the semantic in one sentence for people.
func (s Semantic) Promise() string {
	switch s {
	case None:
		return "a crash may lose rows and may double them"
	case AtLeastOnce:
		return "a crash may double rows and loses none"
	case ExactlyOnce:
		return "a crash neither loses nor doubles a row"
	default:
		return "unknown semantic " + string(s)
	}
}
