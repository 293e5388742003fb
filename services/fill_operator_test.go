package services_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/replay"
	"github.com/hefu-io/hefu/services/status"
)

// operator plans replays and decides about them, over the API, as hefu replay does.
type operator struct{ *world }

// says sends a request to the running process; not nil while nobody answers it.
func (o operator) says(method, path string, body any) (*http.Response, error) {
	o.t.Helper()
	address, err := os.ReadFile(filepath.Join(o.cfg.DataDir, status.AddressFile))
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(body)
	must(o.t, err)
	req, err := http.NewRequestWithContext(o.t.Context(), method, "http://"+strings.TrimSpace(string(address))+path, bytes.NewReader(text))
	must(o.t, err)
	req.Header.Set("Content-Type", "application/json")
	return http.DefaultClient.Do(req)
}

// isServed waits until the process has opened its journal.
func (o operator) isServed() {
	o.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		if r, ok := o.report(); ok && len(r.Pipelines) > 0 {
			return
		}
		if time.Now().After(deadline) {
			o.t.Fatal("the process has not opened its journal")
		}
		select {
		case <-o.t.Context().Done():
			o.t.Fatal(o.t.Context().Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// plans has a replay planned. The error is why it cannot be.
func (o operator) plans(scope domain.PlanScope, target domain.PlanTarget) (*replay.Shown, error) {
	o.t.Helper()
	resp, err := o.says(http.MethodPost, "/v1/replays", replay.Ask{
		Pipeline: "bridge", Scope: scope, Target: target, Limits: domain.PlanLimits{Rows: 1 << 40}, Who: "zhao", Why: "the test",
	})
	must(o.t, err)
	defer resp.Body.Close()
	for lines := json.NewDecoder(resp.Body); ; {
		var l replay.Line
		switch err := lines.Decode(&l); {
		case errors.Is(err, io.EOF):
			return nil, errors.New("no plan: " + resp.Status)
		case err != nil:
			return nil, err
		case l.Error != "":
			return nil, errors.New(l.Error)
		case l.Replay != nil:
			return l.Replay, nil
		case l.Step == "": // an error of the API itself
			return nil, errors.New("no plan: " + resp.Status)
		}
	}
}

// approves lets a plan run.
func (o operator) approves(r *replay.Shown) {
	o.t.Helper()
	resp, err := o.says(http.MethodPost, fmt.Sprintf("/v1/replays/%s/approve", r.ID), replay.Decision{Who: "qian", Why: "it was read", Digest: &r.Digest})
	must(o.t, err)
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		o.t.Fatalf("approve %s: %s: %s", r.ID, resp.Status, text)
	}
}

// ends waits until a replay is done or failed.
func (o operator) ends(id domain.PlanID) (now replay.Shown) {
	o.t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; {
		if resp, err := o.says(http.MethodGet, "/v1/replays/"+id.String(), nil); err == nil {
			now = replay.Shown{}
			err = json.NewDecoder(resp.Body).Decode(&now)
			_ = resp.Body.Close()
			if err == nil && (now.State.Ended() || now.State == domain.PlanFailed) {
				return now
			}
		}
		if time.Now().After(deadline) {
			o.t.Fatalf("replay %s is still %s: %+v %+v", id, now.State, now.Progress, now.Moves)
		}
		select {
		case <-o.t.Context().Done():
			o.t.Fatal(o.t.Context().Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// carriesOut approves a plan and demands that it comes to its end, verified.
func (o operator) carriesOut(r *replay.Shown) replay.Shown {
	o.t.Helper()
	o.approves(r)
	return o.isDone(r.ID)
}

// isDone demands that a replay comes to its end, with a report of its verification.
func (o operator) isDone(id domain.PlanID) replay.Shown {
	o.t.Helper()
	now := o.ends(id)
	if last := now.Moves[len(now.Moves)-1]; now.State != domain.PlanDone || last.Report == "" {
		o.t.Fatalf("replay %s of %s is %s: %s", id, now.Plan.Target.Name, now.State, last.Why)
	}
	return now
}

// whyOf is what the service said when a replay went to a state the last time.
func whyOf(r *replay.Shown, to domain.PlanState) (why string) {
	for _, m := range r.Moves {
		if m.To == to {
			why = m.Why
		}
	}
	return why
}
