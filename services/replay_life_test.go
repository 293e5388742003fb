package services_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/file"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/replay"
	"github.com/hefu-io/hefu/services/report"
)

// From plan to done, into each kind of target, and what is live put right.
func TestReplayLife(t *testing.T) {
	e := full(t)
	op := e.op
	all := e.rows()
	for _, target := range []domain.PlanTarget{{Kind: domain.TargetTable}, {Kind: domain.TargetTopic}, {Kind: domain.TargetFile}, {Kind: domain.TargetNull}} {
		r, err := op.asks(replay.Ask{Target: target})
		must(t, err)
		if r.State != domain.PlanPlanned || r.Plan.Expect.Rows != 2000 || r.Plan.Expect.Seconds == 0 || target.Kind != domain.TargetNull && len(r.Plan.Expect.Names) != len(r.Plan.Lanes) {
			t.Errorf("planned %s, %+v", r.State, r.Plan.Expect)
		}
		if status, text := op.decides(r.ID, replay.Approve, replay.Decision{Digest: &domain.Hash{1}}); status != http.StatusUnprocessableEntity || !strings.Contains(text, "another plan") {
			t.Errorf("another digest: %d %s", status, text)
		}
		if status, _ := op.decides(r.ID, replay.Approve, replay.Decision{Digest: &r.Digest, Who: "qian"}); status != http.StatusUnprocessableEntity {
			t.Errorf("without a reason: %d", status)
		}
		op.may(r.ID, replay.Approve, replay.Decision{Digest: &r.Digest})
		now := op.ends(r.ID)
		if now.State != domain.PlanDone {
			t.Fatalf("%s: %s: %+v", target.Kind, now.State, now.Moves)
		}
		if target.Kind == domain.TargetNull {
			continue
		}
		if v := e.kept(&now); v != nil && (v.Report.Scope.Plan.Digest != r.Digest || v.Report.Verdict != domain.Verified || v.Report.Scope.Plan.Rows != 2000) {
			t.Errorf("%s: report %+v %s", target.Kind, v.Report.Scope.Plan, v.Report.Verdict)
		}
	}
	if got := e.rowsOf("ods.ODS_QL_JC_SSJC_shadow"); !reflect.DeepEqual(got, all) {
		t.Errorf("the shadow has %d rows, and not those of the table", len(got))
	}
	resp, err := op.says(http.MethodGet, "/metrics", nil)
	must(t, err)
	metrics, err := io.ReadAll(resp.Body)
	must(t, errors.Join(err, resp.Body.Close()))
	if !strings.Contains(string(metrics), `hefu_replay_state{pipeline="bridge",state="done"} 4`) {
		t.Error("the metrics have no replays that are done")
	}
	e.removes(all[100:150])
	copies := slices.Clone(all[200:220])
	for i := range copies {
		copies[i][1] = fmt.Sprint(7_000_000 + i)
	}
	e.puts("ods.ODS_QL_JC_SSJC", copies)
	e.repairs(op, replay.Ask{}, 50, 20)
	if got := e.rows(); !reflect.DeepEqual(got, all) {
		t.Errorf("the table has %d rows, and not those that it had", len(got))
	}
	e.reported(op, all)
}

// repairs fills in what is missing and deletes what is there twice.
func (e *life) repairs(op operator, ask replay.Ask, missing, doubled int64) {
	e.t.Helper()
	for _, c := range []struct {
		mode domain.TargetMode
		rows int64
	}{{domain.ModeFillMissing, missing}, {domain.ModeDeleteDuplicates, doubled}} {
		ask.Target = domain.PlanTarget{Kind: domain.TargetTable, Mode: c.mode}
		r, err := op.asks(ask)
		if err != nil {
			e.t.Errorf("%s: %v", c.mode, err)
			continue
		}
		if r.Plan.Expect.Rows != c.rows {
			e.t.Errorf("%s: %+v, want %d rows", c.mode, r.Plan.Expect, c.rows)
		}
		done := op.carriesOut(r)
		e.kept(&done)
		if _, err := op.asks(ask); err == nil || !strings.Contains(err.Error(), map[domain.TargetMode]string{
			domain.ModeFillMissing: "nothing is missing", domain.ModeDeleteDuplicates: "no row is there twice",
		}[c.mode]) {
			e.t.Errorf("%s once more: %v", c.mode, err)
		}
	}
}

// reported puts right what a signed report found, and no other finding's rows.
func (e *life) reported(op operator, all [][9]string) {
	t := e.t
	t.Helper()
	e.removes(all[300:310])
	copies := slices.Clone(all[400:405])
	for i := range copies {
		copies[i][1] = fmt.Sprint(7_000_000 + i)
	}
	e.puts("ods.ODS_QL_JC_SSJC", copies)
	file := e.answer().File
	if _, err := op.asks(replay.Ask{Report: bytes.Replace(file, []byte("lost"), []byte("lots"), 1), Target: domain.PlanTarget{Kind: domain.TargetNull}}); err == nil || !strings.Contains(err.Error(), "not to be believed") {
		t.Errorf("an altered report: %v", err)
	}
	v, err := report.Verify(file, e.public())
	must(t, err)
	var one []domain.FindingID
	for _, f := range v.Report.Findings {
		if f.Class == domain.Lost && len(one) == 0 {
			one = append(one, f.ID)
		}
	}
	e.removes(all[500:501]) // since the report
	ask := replay.Ask{Report: file, Scope: domain.PlanScope{Findings: one}, Target: domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeFillMissing}}
	r, err := op.asks(ask)
	must(t, err)
	if r.Plan.Expect.Rows != 1 || r.Plan.Scope.Report == nil || *r.Plan.Scope.Report != v.Digest || !reflect.DeepEqual(r.Plan.Scope.Findings, one) {
		t.Errorf("of one finding: %+v of %+v", r.Plan.Expect, r.Plan.Scope)
	}
	e.repairs(op, replay.Ask{Report: file}, 10, 5)
	want := slices.Delete(slices.Clone(all), 500, 501)
	if got := e.rows(); !reflect.DeepEqual(got, want) {
		t.Errorf("the table has %d rows, and not those of the report", len(got))
	}
}

// A key that was made up when the plan was made, and that the hub has come to since, names a good
// row: it is not deleted, and the plan is done all the same.
func TestReplayDeletesNoGoodRow(t *testing.T) {
	e := full(t)
	op := e.op
	ends := map[string]int64{}
	for _, c := range e.rows() {
		ends[c[0]] = max(ends[c[0]], keyOf(c).Offset)
	}
	copies := slices.Clone(e.rows()[:10])
	for i := range copies { // some of them where the hub will have a row, and perhaps a marker
		copies[i][1] = fmt.Sprint(ends[copies[i][0]] + 20 + int64(i))
	}
	e.puts("ods.ODS_QL_JC_SSJC", copies)
	r, err := op.asks(replay.Ask{Target: domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeDeleteDuplicates}})
	must(t, err)
	if len(r.Plan.Delete) != len(copies) {
		t.Errorf("%d keys are to be deleted", len(r.Plan.Delete))
	}
	e.feed("north", 500, 200)
	e.feed("south", 500, 200)
	opened, _ := e.set.Opened()
	for deadline := time.Now().Add(time.Minute); ; { // the table keeps what stands at a marker
		lanes := e.loaded()
		d, err := e.prover.Difference(t.Context(), "bridge", lanes, domain.Selection{}, "ods.ODS_QL_JC_SSJC", nil)
		must(t, err)
		if tail, err := opened[0].Journal.Tail(t.Context(), domain.Stream{Pipeline: "bridge", Leg: domain.LegDoris}); err == nil && d.Expected == 2800 && !domain.TrailOf(tail.Event).After(tail.Seq, tail.Event).Open() {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d rows are loaded", d.Expected)
		}
	}
	done := op.carriesOut(r)
	var deleted, not int
	if _, err := fmt.Sscanf(whyOf(&done, domain.PlanVerifying), "%d rows are deleted, %d keys", &deleted, &not); err != nil || deleted+not != len(copies) || not == 0 {
		t.Errorf("%q: %v", whyOf(&done, domain.PlanVerifying), err)
	}
	d, err := e.prover.Difference(t.Context(), "bridge", e.loaded(), domain.Selection{}, "ods.ODS_QL_JC_SSJC", nil)
	must(t, err)
	if !d.None() || d.Expected != 2800 {
		t.Errorf("of %d rows %d are missing, %d doubled, %d strayed", d.Expected, d.MissingRows(), len(d.Doubled), len(d.Foreign))
	}
}

// Pausing, other limits, a process that ends in the middle, an operator's cancelling, and a row in
// the shadow that nobody carried there.
func TestReplayInterrupted(t *testing.T) {
	e := full(t)
	op := e.op
	all := e.rows()
	r, err := op.asks(replay.Ask{Target: domain.PlanTarget{Kind: domain.TargetTable}, Limits: slowly})
	must(t, err)
	next, err := op.asks(replay.Ask{Target: domain.PlanTarget{Kind: domain.TargetTopic}})
	must(t, err)
	op.may(r.ID, replay.Approve, replay.Decision{Digest: &r.Digest})
	op.may(next.ID, replay.Approve, replay.Decision{Digest: &next.Digest})
	op.carries(r.ID)
	op.may(r.ID, replay.Pause, replay.Decision{})
	op.idle(r.ID)
	op.isDone(next.ID) // it has its turn
	if now, _ := op.shows(r.ID); now.State != domain.PlanPaused || len(e.rowsOf("ods.ODS_QL_JC_SSJC_shadow")) == len(all) {
		t.Errorf("paused: %s with all rows", now.State)
	}
	op.may(r.ID, replay.Resume, replay.Decision{})
	op.until(r.ID, "worked at", func(r *replay.Shown) bool { return r.Progress != nil })
	e.again()
	op.until(r.ID, "taken up by the next process", func(r *replay.Shown) bool { return r.Progress != nil })
	op.may(r.ID, replay.Limit, replay.Decision{Limits: &domain.PlanLimits{}})
	op.isDone(r.ID)
	if got := e.rowsOf("ods.ODS_QL_JC_SSJC_shadow"); !reflect.DeepEqual(got, all) {
		t.Errorf("the shadow has %d rows, and not those of the table", len(got))
	}

	spoilt, err := op.asks(replay.Ask{Target: domain.PlanTarget{Kind: domain.TargetTable, Name: "spoilt"}, Limits: slowly})
	must(t, err)
	op.may(spoilt.ID, replay.Approve, replay.Decision{Digest: &spoilt.Digest})
	op.carries(spoilt.ID)
	odd := slices.Clone(all[:1])
	odd[0][1] = "7000000"
	e.puts("ods.spoilt", odd)
	op.may(spoilt.ID, replay.Limit, replay.Decision{Limits: &domain.PlanLimits{}})
	now := op.ends(spoilt.ID)
	last := now.Moves[len(now.Moves)-1]
	if now.State != domain.PlanFailed || !strings.Contains(last.Why, "1 finding") || !strings.Contains(last.Next, "hefu report show") {
		t.Errorf("with a row too many: %s: %+v", now.State, last)
	}
	if v := e.kept(&now); v != nil && v.Report.Verdict != domain.Diverged {
		t.Errorf("the report says %s", v.Report.Verdict)
	}
	e.do("DELETE FROM ods.spoilt WHERE hw_partition_id = " + odd[0][0] + " AND hw_offset_id = 7000000")
	op.carriesOut(spoilt) // approved again it is compared again

	gone, err := op.asks(replay.Ask{Target: domain.PlanTarget{Kind: domain.TargetTable, Name: "gone"}, Limits: slowly})
	must(t, err)
	op.may(gone.ID, replay.Approve, replay.Decision{Digest: &gone.Digest})
	op.carries(gone.ID)
	began := time.Now()
	op.may(gone.ID, replay.Cancel, replay.Decision{})
	op.idle(gone.ID)
	t.Logf("cancelled a replay into a table in %s", time.Since(began).Round(time.Millisecond))
	if now, _ := op.shows(gone.ID); now.State != domain.PlanCancelled {
		t.Errorf("cancelled: %s", now.State)
	}
}

// Rows that loads left out are loaded once the table takes them, and can be had as a file.
func TestReplayQuarantine(t *testing.T) {
	e := newLife(t, func(p *config.Pipeline) { p.Doris.MaxRecordBytes = 37 }) // of an n of four digits
	op := e.op
	e.feed("north", 9_990, 20)
	e.untilRows(20)
	e.cfg.Pipelines[0].Doris.MaxRecordBytes = 1 << 20
	e.again()
	r, err := op.asks(replay.Ask{Scope: domain.PlanScope{Quarantine: true}, Target: domain.PlanTarget{Kind: domain.TargetFile}})
	must(t, err)
	done := op.carriesOut(r)
	b, err := os.ReadFile(filepath.Join(e.cfg.DataDir, filepath.FromSlash(file.Name(done.ID, 0))))
	must(t, err)
	if n := bytes.Count(b, []byte("\n")); n != 20 || done.Plan.Expect.Rows != 20 || strings.Contains(string(b), `"n\":9999`) {
		t.Errorf("%d lines of %d rows: %s", n, done.Plan.Expect.Rows, b)
	}
	r, err = op.asks(replay.Ask{Scope: domain.PlanScope{Quarantine: true}, Target: domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeFillMissing}})
	must(t, err)
	if done = op.carriesOut(r); done.Plan.Expect.Rows != 20 || len(e.rows()) != 40 {
		t.Errorf("filled in %d, the table has %d", done.Plan.Expect.Rows, len(e.rows()))
	}
	if _, err := op.asks(replay.Ask{Scope: domain.PlanScope{Quarantine: true}, Target: domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeFillMissing}}); err == nil || !strings.Contains(err.Error(), "nothing is missing") {
		t.Errorf("once more: %v", err)
	}
}
