package dorisconn

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// FuzzAnswer: whatever a host sends, reading it does not panic, gives the same twice, and
// calls nothing prepared, committed or aborted that a second, slow reading does not.
func FuzzAnswer(f *testing.F) {
	questions := []question{two, one, commit, abort, front}
	for _, g := range append(goldens(), nearMisses()...) {
		for i, q := range questions {
			if q == g.q {
				f.Add(uint8(i), []byte(g.body))
			}
		}
	}
	f.Add(uint8(5), []byte(`{"msg":"success","code":0,"data":"PRECOMMITTED","count":0}`))
	f.Add(uint8(5), []byte(`{"msg":"Error","code":1,"data":"errCode = 7, detailMessage = unknown databases, dbName=nodb","count":0}`))
	c := testCluster(f)
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		if int(kind) >= len(questions) {
			checkState(t, c, body)
			return
		}
		q := questions[kind]
		a, b := c.decode(q, body), c.decode(q, body)
		if fmt.Sprint(a.Err) != fmt.Sprint(b.Err) {
			t.Errorf("errors %v and %v", a.Err, b.Err)
		}
		text := a.Error()
		if a.Err, b.Err = nil, nil; !reflect.DeepEqual(a, b) {
			t.Errorf("read twice: %+v and %+v", a, b)
		}
		if len(a.Text) > maxShown+len("…") || strings.ContainsAny(text, "\n\r") {
			t.Errorf("no line: %q", text)
		}
		if want := slowly(q, body); a.Meaning != want && (claimed(a.Meaning) || claimed(want)) {
			t.Errorf("%s means %s, a slow reading gives %s", body, a.Meaning, want)
		}
	})
}

func claimed(m Meaning) bool { return m == Prepared || m == Committed || m == Aborted }

func checkState(t *testing.T, c *Cluster, body []byte) {
	r := reply{host: "fe", raw: body}
	state, err := c.decodeState(r)
	again, e := c.decodeState(r)
	if state != again || fmt.Sprint(err) != fmt.Sprint(e) {
		t.Errorf("read twice: %s, %v and %s, %v", state, err, again, e)
	}
	var m struct {
		Code *int
		Data any
	}
	ok := json.Unmarshal(body, &m) == nil && m.Code != nil && *m.Code == 0 && m.Data == any(string(state))
	if err == nil && (!ok || !regexp.MustCompile(`^[A-Z_]+$`).MatchString(string(state))) {
		t.Errorf("%s gives state %q", body, state)
	}
	if err != nil && state != "" {
		t.Errorf("state %s with error %v", state, err)
	}
}

// slowly reads the outcome of which a body speaks in another way than the table; Unknown
// if it speaks of none.
func slowly(q question, body []byte) Meaning {
	names := []string{"status", "msg"}
	if q.phase == PhaseLoad {
		names = []string{"Label", "TwoPhaseCommit", "Status", "ExistingJobStatus", "Message", "ErrorURL", "FirstErrorMsg"}
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(body, &all) != nil || twice(body, append(names, "TxnId", "NumberLoadedRows", "NumberFilteredRows", "LoadBytes")) {
		return Unknown
	}
	text := map[string]string{}
	for _, name := range names {
		var s string
		if v, ok := all[name]; ok && json.Unmarshal(v, &s) != nil {
			return Unknown
		}
		text[name] = s
	}
	switch q.phase {
	case PhaseLoad:
		return slowlyLoad(q, all, text)
	case PhaseCommit:
		return slowlyFinish(text, fmt.Sprintf("transaction [%d]", q.txn), "commit", map[string]Meaning{
			" is already committed, not pre-committed.": Committed, " is already visible, not pre-committed.": Committed,
			" is already COMMITTED, not pre-committed.": Committed, " is already VISIBLE, not pre-committed.": Committed,
			" is already aborted. abort reason: ": Aborted,
		}, Committed)
	case PhaseAbort:
		return slowlyFinish(text, whoSlowly(q, text["msg"]), "abort", map[string]Meaning{
			" is already COMMITTED, could not abort.": Committed, " is already VISIBLE, could not abort.": Committed,
			" is already aborted, abort reason: ": Aborted,
		}, Aborted)
	default:
		return Unknown
	}
}

// whoSlowly is what the answer to an abort by label may speak of.
func whoSlowly(q question, msg string) string {
	who := regexp.MustCompile(`(label \[` + regexp.QuoteMeta(q.label) + `\] )?transaction \[([0-9]+)\]`).FindStringSubmatch(msg)
	if who == nil {
		return "label [" + q.label + "]"
	}
	if _, err := strconv.ParseInt(who[2], 10, 64); err != nil {
		return ""
	}
	return who[0]
}

func slowlyLoad(q question, all map[string]json.RawMessage, text map[string]string) Meaning {
	for _, name := range []string{"NumberLoadedRows", "NumberFilteredRows", "LoadBytes"} {
		var n int64
		if v, ok := all[name]; ok && json.Unmarshal(v, &n) != nil {
			return Unknown
		}
	}
	var txn int64
	if json.Unmarshal(all["TxnId"], &txn) != nil || txn <= 0 || text["Label"] != q.label || text["ExistingJobStatus"] != "" {
		return Unknown
	}
	message := strings.TrimSpace(text["Message"])
	done := text["Status"] == "Success" && message == "OK"
	late := text["Status"] == "Publish Timeout" && withoutPrefix(message) == "transaction commit successfully, BUT data will be visible later"
	switch {
	case q.twoPhase && text["TwoPhaseCommit"] == "true" && done:
		return Prepared
	case !q.twoPhase && text["TwoPhaseCommit"] == "false" && (done || late):
		return Committed
	}
	return Unknown
}

// withoutPrefix cuts off what comes and goes before a text.
func withoutPrefix(text string) string {
	if end := strings.IndexByte(text, ']'); strings.HasPrefix(text, "[") && end > 1 && text[1] >= 'A' && text[1] <= 'Z' &&
		strings.Trim(text[1:end], "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == "" {
		text = text[end+1:]
	}
	for {
		rest, ok := strings.CutPrefix(text, "TStatus: ")
		if number, detail, found := strings.Cut(text, ", detailMessage = "); !ok && found {
			if digits, has := strings.CutPrefix(number, "errCode = "); has && digits != "" && strings.Trim(digits, "0123456789") == "" {
				rest, ok = detail, true
			}
		}
		if !ok {
			return text
		}
		text = rest
	}
}

func slowlyFinish(text map[string]string, who, verb string, already map[string]Meaning, done Meaning) Meaning {
	msg := strings.TrimSpace(text["msg"])
	switch {
	case who == "" || text["status"] == "":
		return Unknown
	case text["status"] == "Success":
		before, ok := strings.CutSuffix(msg, who+" "+verb+" successfully.")
		if !ok || before != "" && (verb == "abort" || !regexp.MustCompile(`^label \[[^\]]+\] $`).MatchString(before)) {
			return Unknown
		}
		return done
	}
	rest, ok := strings.CutPrefix(withoutPrefix(msg), who)
	if !ok || strings.HasPrefix(who, "label") {
		return Unknown
	}
	for end, means := range already {
		if rest == end || strings.HasSuffix(end, "reason: ") && strings.HasPrefix(rest, end) {
			return means
		}
	}
	return Unknown
}

// twice says whether a name that is read stands in an object more than once.
func twice(body []byte, names []string) bool {
	dec := json.NewDecoder(strings.NewReader(string(body)))
	seen := map[any]bool{}
	if _, err := dec.Token(); err != nil {
		return true
	}
	for dec.More() {
		name, err := dec.Token()
		var value json.RawMessage
		if err = errors.Join(err, dec.Decode(&value)); err != nil {
			return true
		}
		if seen[name] && slices.Contains(names, name.(string)) {
			return true
		}
		seen[name] = true
	}
	return false
}
