package dorisconn

import (
	"regexp"
	"strconv"
	"strings"
)

// table is answers(), ready to be compared with.
type table struct {
	rows   []row
	texts  []*regexp.Regexp
	before *regexp.Regexp // what comes and goes before a text
	code   *regexp.Regexp // [CODE], which does too
}

func newTable(rows []row) *table {
	t := &table{
		rows:   rows,
		before: regexp.MustCompile(`^(TStatus: |errCode = \d+, detailMessage = )+`),
		code:   regexp.MustCompile(`^\[[A-Z][A-Z0-9_-]*\]`),
	}
	for _, r := range rows {
		p := regexp.QuoteMeta(r.text)
		p = strings.ReplaceAll(p, `label=\[L\]`, `label=(?P<label>\S+)`)
		p = strings.ReplaceAll(p, `\[L\]`, `\[(?P<label>[^\]]+)\]`)
		p = strings.ReplaceAll(p, `\[N\]`, `\[(?P<txn>\d+)\]`)
		p = strings.ReplaceAll(p, "…", ".*")
		t.texts = append(t.texts, regexp.MustCompile(`(?s)^`+p+`$`))
	}
	return t
}

// question is what an answer must fit.
type question struct {
	phase    Phase
	label    string // of a load and of an abort
	txn      int64  // of a commit; 0: any
	twoPhase bool
}

// words is an answer as it stands in the body.
type words struct {
	status, existing, text  string
	label, twoPhase, errors string // of a load: Label, TwoPhaseCommit, ErrorURL
	txn                     int64
}

// find gives the row that an answer fits, or -1.
func (t *table) find(q question, w words) int {
	status, text := w.status, strings.TrimSpace(w.text)
	if w.existing != "" {
		status += ": " + w.existing
	}
	bare := t.before.ReplaceAllString(t.code.ReplaceAllString(text, ""), "")
	for i := range t.rows {
		r := &t.rows[i]
		from := bare
		if r.status == success || strings.HasPrefix(r.text, "[") {
			from = text
		}
		if r.phase == q.phase && r.says(status) && r.applies(q, w) && t.fits(i, q, from) {
			return i
		}
	}
	return -1
}

func (r *row) says(status string) bool {
	if r.status == failed {
		return status != success && status != ""
	}
	return r.status == status
}

func (r *row) applies(q question, w words) bool {
	if r.phase == PhaseLoad && r.claims() &&
		(w.label != q.label || w.twoPhase != strconv.FormatBool(q.twoPhase) || w.txn <= 0) {
		return false
	}
	switch r.only {
	case twoPhase:
		return q.twoPhase
	case onePhase:
		return !q.twoPhase
	case withLog:
		return w.errors != ""
	default:
		return true
	}
}

// claims says whether a row speaks of an outcome.
func (r *row) claims() bool { return r.means == Prepared || r.means == Committed || r.means == Aborted }

// fits compares a text with a row's, and what it names with what was asked for.
func (t *table) fits(i int, q question, text string) bool {
	m := t.texts[i].FindStringSubmatch(text)
	if m == nil {
		return false
	}
	if g := t.texts[i].SubexpIndex("txn"); g >= 0 {
		txn, err := strconv.ParseInt(m[g], 10, 64)
		if err != nil || q.txn != 0 && txn != q.txn {
			return false
		}
	}
	g := t.texts[i].SubexpIndex("label")
	return g < 0 || q.label == "" || m[g] == q.label
}
