package dorisconn

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func testCluster(t testing.TB) *Cluster {
	t.Helper()
	c, err := Open(Config{FE: []string{"http://fe"}, MySQL: []string{"fe:9030"}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// decode reads a body as the code does that gets it.
func (c *Cluster) decode(q question, body []byte) *Answer {
	r := reply{host: "be", raw: body}
	switch q.phase {
	case PhaseLoad:
		return c.decodeLoad(r, q)
	case PhaseFE:
		_, err := c.readFrontEnd(r)
		return c.unfinished(q, r, true, err)
	default:
		return c.decodeFinish(r, q)
	}
}

// wordsOf is an independent way to the words of a body, for the count of hits.
func wordsOf(t *testing.T, q question, body string) words {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatal(err)
	}
	text := func(name string) string { s, _ := m[name].(string); return s }
	if q.phase != PhaseLoad {
		w := words{status: text("status"), text: text("msg")}
		if code, ok := m["code"].(float64); ok {
			w = words{status: fmt.Sprintf("code %v", code), text: text("msg") + ": " + text("data")}
		}
		return w
	}
	return words{
		status: text("Status"), existing: text("ExistingJobStatus"), text: text("Message"), label: text("Label"),
		twoPhase: text("TwoPhaseCommit"), errors: text("ErrorURL"), txn: int64(m["TxnId"].(float64)),
	}
}

// TestAnswers: each answer that Doris is known to give means what the table says, and
// each row of the table is an answer that Doris is known to give.
func TestAnswers(t *testing.T) {
	c := testCluster(t)
	hits := make([]int, len(c.table.rows))
	for _, g := range goldens() {
		a := c.decode(g.q, []byte(g.body))
		if a.Meaning != g.want {
			t.Errorf("%s means %s, want %s", g.body, a.Meaning, g.want)
		}
		if denied := strings.Contains(g.body, "Access denied for user") || strings.Contains(g.body, "401"); errors.Is(a.Err, ErrUnauthorized) != denied {
			t.Errorf("%s: error %v", g.body, a.Err)
		}
		if i := c.table.find(g.q, wordsOf(t, g.q, g.body)); i >= 0 {
			hits[i]++
		} else if !strings.Contains(g.body, "401") {
			t.Errorf("no row for %s", g.body)
		}
	}
	for i, n := range hits {
		r := c.table.rows[i]
		if n == 0 {
			t.Errorf("no golden answer hits row %d: %s %q (%s)", i, r.status, r.text, r.source)
		}
		if r.source == "" || !strings.Contains(r.source, "§") && !strings.Contains(r.source, " ") && r.source != "SystemInfoService" {
			t.Errorf("row %d: %q is no source", i, r.source)
		}
	}
}

// TestEachRowCounts: without any one row that says more than nothing, some golden answer
// would be taken for another.
func TestEachRowCounts(t *testing.T) {
	whole := testCluster(t)
	all := answers()
	for i, r := range all {
		if r.means == Unknown && r.only != forbidden {
			continue
		}
		without := testCluster(t)
		without.table = newTable(slices.Delete(slices.Clone(all), i, i+1))
		if !slices.ContainsFunc(goldens(), func(g golden) bool {
			a, b := whole.decode(g.q, []byte(g.body)), without.decode(g.q, []byte(g.body))
			return a.Meaning != b.Meaning || (a.Err == nil) != (b.Err == nil)
		}) {
			t.Errorf("row %d is not missed: %s %q (%s)", i, r.status, r.text, r.source)
		}
	}
}

// TestNearMisses: what is nearly an answer that is known is unknown.
func TestNearMisses(t *testing.T) {
	c := testCluster(t)
	for _, g := range nearMisses() {
		if a := c.decode(g.q, []byte(g.body)); a.Meaning != Unknown {
			t.Errorf("%s means %s", g.body, a.Meaning)
		}
	}
}

// TestReplyFields: what a caller reads besides the meaning.
func TestReplyFields(t *testing.T) {
	c := testCluster(t)
	a := c.decode(two, []byte(record))
	if a.Txn != testTxn || a.Rows != 5 || a.Bytes != 9223372036854775807 || a.Status != "Success" || a.Text != "OK" || a.Phase != PhaseLoad || a.Host != "be" {
		t.Errorf("record: %+v", a)
	}
	a = c.decode(two, []byte(loaded("true", "Fail", traced, theLog)))
	if a.Meaning != BadRows || !strings.HasPrefix(a.ErrorURL, "http://10.0.0.1:8040/api/_load_error_log?file=__shard_4/") || !strings.HasPrefix(a.FirstErrorMsg, "Reason: ") || strings.Contains(a.Error(), "\n") {
		t.Errorf("bad rows: %+v", a)
	}
	a = c.decode(two, []byte(exists("RUNNING", "Label ["+testLabel+"] has already been used, relate to txn [12]")))
	if a.ExistingJobStatus != "RUNNING" || a.Txn != -1 || !strings.Contains(a.Error(), "Label Already Exists: RUNNING: ") {
		t.Errorf("existing label: %+v: %v", a, a)
	}
	// After an error nothing of a reply is believed, whatever could be read.
	a = c.decode(two, []byte(strings.Replace(record, `"LoadBytes":9223372036854775807`, `"LoadBytes":"many"`, 1)))
	if a.Meaning != Unknown || a.Txn != 0 || a.Rows != 0 || a.Status != "" || !strings.Contains(a.Text, `"Status":"Success"`) {
		t.Errorf("a field of another type: %+v", a)
	}
	long := c.decode(two, []byte(loaded("true", "Fail", strings.Repeat("合", maxShown), "")))
	if len(long.Text) > maxShown+len("…") || !strings.HasSuffix(long.Text, "合…") {
		t.Errorf("long text: %q", long.Text)
	}
}

func TestMeaningWords(t *testing.T) {
	seen := map[string]bool{}
	for m := Unknown; m <= TryAgain+1; m++ {
		if seen[m.String()] {
			t.Errorf("%d is %q as well", m, m)
		}
		seen[m.String()] = true
	}
}
