package dorisconn

import (
	"fmt"
	"strings"
)

// Meaning is what an answer of Doris says about a load.
type Meaning uint8

// The meanings. Only the zero one may stand for anything that is not in the table of
// answers, for a silence and for a broken connection.
const (
	Unknown   Meaning = iota // ask for the state of the label
	Prepared                 // PRECOMMITTED: the second phase decides
	Committed                // committed, perhaps not yet visible
	Aborted                  // known not to be, now and for ever
	BadRows                  // refused for good because of rows of its own
	Refused                  // refused for good, whatever its rows are: table, privilege, header
	TryAgain                 // refused for now: too many versions or transactions, no back end
)

// String is the word for people.
func (m Meaning) String() string {
	words := [...]string{"unknown", "prepared", "committed", "aborted", "refused for its rows", "refused for good", "try again"}
	if int(m) < len(words) {
		return words[m]
	}
	return "?"
}

// Phase is where in the exchange an answer came.
type Phase uint8

// The phases.
const (
	PhaseLoad   Phase = 1 // Stream Load, from a back end
	PhaseCommit Phase = 2 // second phase, from a back end
	PhaseAbort  Phase = 3
	PhaseFE     Phase = 4 // any of them, at the front end: nothing has begun
)

// Answer is what came back for a load or its second phase, and what it means.
type Answer struct {
	Meaning Meaning
	Phase   Phase
	Host    string // who answered, or did not
	Status  string // as in the body; "code 403" for a front end's REST form; never the HTTP status
	Text    string // the message, cut to a length that fits a line
	Err     error  // of the connection, or ErrUnauthorized; nil when an answer came

	// Of a load only. The counts are worth something with Success alone.
	Txn                     int64
	Rows, Filtered, Bytes   int64
	ExistingJobStatus       string // with Label Already Exists: RUNNING, PRECOMMITTED or FINISHED
	ErrorURL, FirstErrorMsg string // where the error log is (see ErrorLog), and its first line
}

// Error is the answer in one line for people; it has no secret in it.
func (a *Answer) Error() string {
	var b strings.Builder
	if a.Err == nil { // which names whoever was tried
		b.WriteString(a.Host + ": ")
	}
	b.WriteString(a.Meaning.String())
	for _, s := range []string{a.Status, a.ExistingJobStatus, a.Text, a.FirstErrorMsg} {
		if s != "" {
			b.WriteString(": " + s)
		}
	}
	if a.Err != nil {
		fmt.Fprintf(&b, ": %v", a.Err)
	}
	return b.String()
}

// Unwrap is the error of the connection.
func (a *Answer) Unwrap() error { return a.Err }

// judge looks an answer up and takes its words over.
func (c *Cluster) judge(a *Answer, q question, w words) *Answer {
	a.Status, a.Text, a.ExistingJobStatus = c.shown([]byte(w.status)), c.shown([]byte(w.text)), c.shown([]byte(w.existing))
	if i := c.table.find(q, w); i >= 0 {
		r := &c.table.rows[i]
		a.Meaning = r.means
		if r.only == forbidden {
			a.Err = fmt.Errorf("%s: %w", a.Host, ErrUnauthorized)
		}
	}
	return a
}
