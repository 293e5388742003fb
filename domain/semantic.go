package domain

// Semantic is what a target promises about a row when a process dies.
type Semantic string

// The semantics, in Flink's words (sink.semantic). The hub is exactly-once; for a Doris
// table an operator may choose less, which saves the second phase of each load.
const (
	None        Semantic = "none"
	AtLeastOnce Semantic = "at-least-once"
	ExactlyOnce Semantic = "exactly-once"
)

// Promise is the semantic in one sentence for people.
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
