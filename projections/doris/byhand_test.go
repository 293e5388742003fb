package doris_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// byHand is a process of the past: its events and its loads are made by hand.
type byHand struct {
	*world
	w     *journal.Writer
	ev    *domain.DorisBegun
	begun domain.Ref
	label string
	txn   int64

	accepts string // the status of its loads; empty: Success
}

// begins takes the doris stream over and appends the intent of all that was fed since
// the hub event from.
func (w *world) begins(from, to domain.Ref) *byHand {
	return w.beginsAs(from, to, func(*domain.DorisBegun) {})
}

// beginsAs is begins with an intent that is changed before.
func (w *world) beginsAs(from, to domain.Ref, change func(*domain.DorisBegun)) *byHand {
	w.t.Helper()
	h := &byHand{world: w}
	var err error
	h.w, err = w.j.Takeover(w.ctx, w.Stream(), w.started(), 1)
	must(w.t, err)
	ev := &domain.DorisBegun{
		Owned: h.w.Owned(), Trail: h.w.Trail(), Config: 1, First: from, Last: to, Table: database + "." + w.cfg.Table, Semantic: w.cfg.Semantic,
	}
	for _, p := range []int32{1, 3} {
		if n := w.ends[p]; n > 0 {
			ev.Ends = append(ev.Ends, domain.HubEnd{Partition: p, Next: n})
		}
	}
	change(ev)
	h.ev = ev
	h.begun, err = h.w.Append(w.ctx, ev)
	must(w.t, err)
	h.label = domain.Label(h.begun)
	return h
}

// prepares appends DorisPrepared.
func (h *byHand) prepares() {
	h.t.Helper()
	_, err := h.w.Append(h.ctx, &domain.DorisPrepared{
		Owned: h.w.Owned(), Trail: h.w.Trail(), Begun: h.begun, Label: h.label, Txn: h.txn, Rows: int64(len(h.want)),
	})
	must(h.t, err)
}

// lines are the wanted rows as a load's body.
func (w *world) lines() string {
	var b strings.Builder
	quoted := func(city string) string {
		switch city {
		case "NULL":
			return "null"
		case `""`:
			return city
		default:
			return strconv.Quote(city)
		}
	}
	for _, row := range w.want {
		var place, city, d1, t1, record, from, d2, t2, d3, t3 string
		if n, err := fmt.Sscan(row, &place, &city, &d1, &t1, &record, &from, &d2, &t2, &d3, &t3); n != 10 || err != nil {
			w.t.Fatalf("%q: %v", row, err)
		}
		var hp, ho int64
		_, _ = fmt.Sscanf(place, "%d/%d", &hp, &ho)
		cp, co, _ := strings.Cut(strings.ReplaceAll(from, "NULL", "null"), "/")
		extract, cityTS := strings.TrimSuffix(d1+" "+t1, " -"), strings.TrimSuffix(d2+" "+t2, " -")
		fmt.Fprintf(&b, `{"hw_partition_id":%d,"hw_offset_id":%d,"sscsdm":%s,"extract_time":%s,"record":%s,"city_partition_id":%s,"city_offset_id":%s,"city_ts":%s,"hw_ts":"%s %s"}`+"\n",
			hp, ho, quoted(city), quoted(extract), strings.ReplaceAll(record, "NULL", "null"), cp, co, quoted(cityTS), d3, t3)
	}
	return b.String()
}

// loads sends a body under the label and keeps the transaction id.
func (h *byHand) loads(body io.Reader) {
	h.t.Helper()
	r := h.sends(body)
	if r.Status != cmp.Or(h.accepts, "Success") {
		h.t.Fatalf("load: %+v", r)
	}
	h.txn = r.TxnID
}

// loaded is the answer to a load.
type loaded struct {
	TxnID   int64 `json:"TxnId"`
	Status  string
	Message string
}

// sends sends a body under the label and takes any answer.
func (h *byHand) sends(body io.Reader) (r loaded) {
	h.t.Helper()
	h.call("/api/"+database+"/"+h.cfg.Table+"/_stream_load", body, &r, "label", h.label, "two_phase_commit", strconv.FormatBool(h.ev.TwoPhase()),
		"format", "json", "read_json_by_line", "true", "Expect", "100-continue")
	return r
}

// does asks for the second phase.
func (h *byHand) does(operation string) {
	h.t.Helper()
	var r struct{ Status, Msg string }
	h.call("/api/"+database+"/_stream_load_2pc", nil, &r, "txn_id", fmt.Sprint(h.txn), "txn_operation", operation)
	if r.Status != "Success" {
		h.t.Fatalf("%s: %+v", operation, r)
	}
}

// forgets makes Doris forget the label once the load is visible, or aborted.
func (h *byHand) forgets() {
	h.t.Helper()
	eventually(h.world, h.label+" finished", func() (string, bool) { s := h.state(h.label); return s, s == "VISIBLE" || s == "ABORTED" })
	must(h.t, h.s.ForgetLabel(database, h.label))
}

func (h *byHand) call(path string, body io.Reader, reply any, header ...string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.ctx, http.MethodPut, h.s.BEURL()+path, body)
	must(h.t, err)
	req.SetBasicAuth("root", "")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	tr := &http.Transport{ExpectContinueTimeout: time.Minute, DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: tr}).Do(req)
	must(h.t, err)
	defer resp.Body.Close()
	must(h.t, json.NewDecoder(resp.Body).Decode(reply))
}

// state is what the front end says of a label.
func (w *world) state(label string) string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.s.FEURL()+"/api/"+database+"/get_load_state?label="+label, nil)
	must(w.t, err)
	req.SetBasicAuth("root", "")
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	must(w.t, err)
	defer resp.Body.Close()
	var r struct{ Data string }
	must(w.t, json.NewDecoder(resp.Body).Decode(&r))
	return r.Data
}

func (w *world) until(label, state string) {
	w.t.Helper()
	eventually(w, label+" "+state, func() (string, bool) { s := w.state(label); return s, s == state })
}

// hangs begins a load under the label and does not end it; let goes does.
func (h *byHand) hangs() (let func()) {
	h.t.Helper()
	pr, pw := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		req, err := http.NewRequestWithContext(h.ctx, http.MethodPut, h.s.BEURL()+"/api/"+database+"/"+tableName+"/_stream_load", pr)
		if err != nil {
			return
		}
		req.SetBasicAuth("root", "")
		for k, v := range map[string]string{
			"label": h.label, "two_phase_commit": strconv.FormatBool(h.ev.TwoPhase()), "format": "json", "read_json_by_line": "true", "Expect": "100-continue",
		} {
			req.Header.Set(k, v)
		}
		tr := &http.Transport{ExpectContinueTimeout: time.Minute, DisableKeepAlives: true}
		if resp, err := (&http.Client{Transport: tr}).Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	_, err := io.WriteString(pw, h.lines()[:50])
	must(h.t, err)
	h.until(h.label, "PREPARE")
	return func() { _ = pw.CloseWithError(io.ErrUnexpectedEOF); <-done }
}

// resolve decides an incident as an operator does.
func (w *world) resolve(id domain.IncidentID, choice domain.Choice) {
	w.t.Helper()
	_, err := w.control.Append(w.ctx, func(s *domain.ControlState) (domain.Event, error) {
		if in := s.Incidents[id]; in == nil || !in.Allows(choice) {
			return nil, fmt.Errorf("incident %s does not offer %s", id, choice)
		}
		return &domain.Resolved{ID: id, Choice: choice, Who: "op", Why: "looked"}, nil
	})
	must(w.t, err)
}
