package status_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is the API over a pipeline whose journal is open and whose legs are what a test
// says of them.
type rig struct {
	t     *testing.T
	file  string // hefu.yaml
	board *projections.Board
	open  *pipeline.Open
	api   http.Handler
}

// more is further keys of the file.
func newRig(t *testing.T, more ...string) *rig {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "hub"))
	must(t, err)
	t.Cleanup(k.Close)
	file := filepath.Join(t.TempDir(), "hefu.yaml")
	must(t, os.WriteFile(file, fmt.Appendf(nil, `
instance: host-1
data_dir: %q
pipelines:
  - name: bridge
    hub: {brokers: [%q], topic: hub}
    sources: [{id: nanjing, city: "320100", brokers: ["127.0.0.1:1"], topic: t}]
%s
`, t.TempDir(), k.ListenAddrs()[0], strings.Join(more, "\n")), 0o600))
	c, err := config.Load(file)
	must(t, err)
	quiet := slog.New(slog.DiscardHandler)
	// It says that it ingests, and nothing does.
	set := pipeline.NewSet(c, pipeline.Role{Version: "1.2.3", Legs: []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}}, quiet)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- set.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	wait, late := context.WithTimeout(ctx, 30*time.Second)
	defer late()
	opened, err := set.Wait(wait)
	must(t, err)
	board := &projections.Board{}
	return &rig{t: t, file: file, board: board, open: opened[0], api: status.New(set, board, quiet).Handler()}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// leg shows a leg of shard 0.
func (r *rig) leg(leg domain.Leg, change func(*projections.Status)) *projections.Reporter {
	p := projections.NewReporter(domain.Stream{Pipeline: "bridge", Leg: leg})
	p.Update(change)
	r.board.AddLeg(p)
	return p
}

// call does one request and returns the status code and the body.
func (r *rig) call(method, path, body string) (int, string) {
	r.t.Helper()
	w := httptest.NewRecorder()
	q := httptest.NewRequestWithContext(r.t.Context(), method, path, strings.NewReader(body))
	q.Header.Set("Content-Type", "application/json")
	r.api.ServeHTTP(w, q)
	return w.Code, w.Body.String()
}

func (r *rig) report() status.Report {
	r.t.Helper()
	code, body := r.call(http.MethodGet, "/v1/status", "")
	var report status.Report
	if err := json.Unmarshal([]byte(body), &report); err != nil || code != http.StatusOK {
		r.t.Fatalf("%d %s: %v", code, body, err)
	}
	return report
}

// TestLegs: what a leg says of itself is in the report, orphans included.
func TestLegs(t *testing.T) {
	r := newRig(t)
	since, checked := time.Unix(1_700_000_000, 0).UTC(), time.Unix(1_700_000_100, 0).UTC()
	hub := domain.Stream{Pipeline: "bridge", Leg: domain.LegHub}
	r.leg(domain.LegHub, func(s *projections.Status) { s.State, s.Since, s.Opens = projections.StateRunning, since, 1 })
	r.leg(domain.LegDoris, func(s *projections.Status) {
		*s = projections.Status{
			Stream: s.Stream, State: projections.StateRetrying, Since: since, Error: "load L: too many versions", Waiting: "one load in 10s",
			Cursor: domain.Cursor{Stream: hub, Seq: 7}, Open: 9, Rows: 100, Bytes: 200, Excluded: 3, Opens: 2,
			Orphans: &projections.Orphans{
				Checked: checked, Unchecked: "no master", Aborted: 2, More: 4,
				Found: []projections.Orphan{{Label: "hefu-bridge-0-5-abc", Txn: 11, State: "PRECOMMITTED", Done: "aborted"}},
			},
		}
	})
	got := r.report()
	if got.Instance != "host-1" || got.Version != "1.2.3" || len(got.Pipelines) != 1 || got.Pipelines[0].Journal == "" {
		t.Fatalf("%+v", got)
	}
	cursor := domain.Cursor{Stream: hub, Seq: 7}
	want := []status.LegReport{
		{Leg: "hub", State: "running", Since: since, Opens: 1},
		{
			Leg: "doris", State: "retrying", Since: since, Error: "load L: too many versions", Waiting: "one load in 10s",
			Cursor: cursor.String(), Open: 9, Rows: 100, Bytes: 200, Excluded: 3, Opens: 2,
			Orphans: &status.OrphansReport{
				Checked: &checked, Unchecked: "no master", Aborted: 2, More: 4,
				Found: []status.Orphan{{Label: "hefu-bridge-0-5-abc", Txn: 11, State: "PRECOMMITTED", Done: "aborted"}},
			},
		},
	}
	if diff := cmp.Diff(want, got.Pipelines[0].Legs); diff != "" {
		t.Error(diff)
	}
}

// TestOrphansNeverLookedFor: a leg that did not look yet has no orphans to report, and
// one that got no answer has no time of it.
func TestOrphansNeverLookedFor(t *testing.T) {
	r := newRig(t)
	p := r.leg(domain.LegDoris, func(*projections.Status) {})
	if o := r.report().Pipelines[0].Legs[0].Orphans; o != nil {
		t.Errorf("before the first look: %+v", o)
	}
	p.Update(func(s *projections.Status) { s.Orphans = &projections.Orphans{Unchecked: "no master"} })
	_, body := r.call(http.MethodGet, "/v1/status", "")
	if !strings.Contains(body, `"orphans":{"unchecked":"no master","aborted":0,"found":[]}`) {
		t.Error(body)
	}
}

func TestMetrics(t *testing.T) {
	r := newRig(t)
	r.leg(domain.LegHub, func(*projections.Status) {})
	r.leg(domain.LegDoris, func(s *projections.Status) {
		s.State, s.Waiting, s.Excluded = projections.StateRunning, "one load in 10s", 3
		s.Orphans = &projections.Orphans{Checked: time.UnixMilli(1_700_000_000_500), Aborted: 2, More: 4, Found: make([]projections.Orphan, 3)}
	})
	_, body := r.call(http.MethodGet, "/metrics", "")
	for _, want := range []string{
		`hefu_leg_running{leg="doris",pipeline="bridge",shard="0"} 1`,
		`hefu_leg_running{leg="hub",pipeline="bridge",shard="0"} 0`,
		`hefu_leg_waiting{leg="doris",pipeline="bridge",shard="0"} 1`,
		`hefu_leg_waiting{leg="hub",pipeline="bridge",shard="0"} 0`,
		`hefu_leg_excluded_rows_total{leg="doris",pipeline="bridge",shard="0"} 3`,
		`hefu_leg_orphans{leg="doris",pipeline="bridge",shard="0"} 7`,
		`hefu_leg_orphans_aborted_total{leg="doris",pipeline="bridge",shard="0"} 2`,
		`hefu_leg_orphans_checked_seconds{leg="doris",pipeline="bridge",shard="0"} 1.7000000005e+09`,
	} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(body, `hefu_leg_orphans{leg="hub"`) {
		t.Error("the hub leg has orphans")
	}
}

// TestReady: a line for each leg and source that does not run, else 200.
func TestReady(t *testing.T) {
	r := newRig(t)
	p := r.leg(domain.LegDoris, func(s *projections.Status) { s.State, s.Error = projections.StateRetrying, "table is not there" })
	source := projections.StateStopped
	r.board.AddSources(func() []projections.SourceStatus {
		return []projections.SourceStatus{{Pipeline: "bridge", Source: "nanjing", City: "320100", State: source, Error: "gone"}}
	})
	code, body := r.call(http.MethodGet, "/readyz", "")
	if code != http.StatusServiceUnavailable || !strings.Contains(body, "retrying: table is not there\n") || !strings.Contains(body, "source nanjing of bridge stopped: gone\n") {
		t.Errorf("%d %s", code, body)
	}
	p.Enter(projections.StateRunning, "", domain.IncidentID{})
	for _, source = range []projections.State{projections.StateRunning, projections.StatePaused, projections.StateFinished, projections.StateEnded} {
		if code, body := r.call(http.MethodGet, "/readyz", ""); code != http.StatusOK || body != "ready\n" {
			t.Errorf("source %s: %d %s", source, code, body)
		}
	}
	if code, _ := r.call(http.MethodGet, "/livez", ""); code != http.StatusOK {
		t.Errorf("livez %d", code)
	}
}

// TestResolve: an incident is decided once, with one of its choices.
func TestResolve(t *testing.T) {
	r := newRig(t)
	in := domain.NewIncident(domain.IncidentDorisForgotten, domain.Stream{Pipeline: "bridge", Leg: domain.LegDoris}, "",
		[]domain.Choice{"assume-committed"}, domain.Fact{Key: "found", Value: "nothing"})
	if _, err := r.open.Incidents.Decide(t.Context(), in); err == nil {
		t.Fatal("it is decided already")
	}
	path := "/v1/incidents/" + in.ID.String() + "/resolve"
	choose := func(choice string) string { return fmt.Sprintf(`{"choice":%q,"who":"me","why":"seen"}`, choice) }
	for _, c := range []struct {
		path, body string
		code       int
		says       string
	}{
		{"/v1/incidents/nonsense/resolve", choose("retry"), http.StatusUnprocessableEntity, ""},
		{"/v1/incidents/" + strings.Repeat("0", len(in.ID.String())) + "/resolve", choose("retry"), http.StatusNotFound, "no incident"},
		{path, choose("whatever"), http.StatusUnprocessableEntity, "the incident allows"},
		{path, `{"choice":"retry","who":"","why":"seen"}`, http.StatusUnprocessableEntity, "who"},
		{path, choose(string(in.Choices[0])), http.StatusOK, `"who":"me"`},
		{path, choose(string(in.Choices[0])), http.StatusConflict, "resolved already"},
	} {
		if code, body := r.call(http.MethodPost, c.path, c.body); code != c.code || !strings.Contains(body, c.says) {
			t.Errorf("%s %s: %d %s", c.path, c.body, code, body)
		}
	}
	for query, want := range map[string]int{"": 0, "?all=true": 1} {
		var all []status.IncidentReport
		if _, body := r.call(http.MethodGet, "/v1/incidents"+query, ""); json.Unmarshal([]byte(body), &all) != nil || len(all) != want {
			t.Errorf("incidents%s: %s", query, body)
		}
	}
}

// TestGaps: offsets without a row are shown by reason, those that nothing explains among them.
func TestGaps(t *testing.T) {
	r := newRig(t)
	r.board.AddSources(func() []projections.SourceStatus {
		return []projections.SourceStatus{{
			Pipeline: "bridge", Source: "nanjing", City: "320100", State: projections.StateRunning,
			Gaps: map[domain.Reason]int64{domain.ReasonUnexplained: 3, domain.ReasonAborted: 7},
		}}
	})
	if diff := cmp.Diff(map[string]int64{"unexplained": 3, "aborted": 7}, r.report().Pipelines[0].Sources[0].Gaps); diff != "" {
		t.Error(diff)
	}
	_, metrics := r.call(http.MethodGet, "/metrics", "")
	for _, want := range []string{
		`hefu_source_gap_offsets_total{city="320100",pipeline="bridge",reason="unexplained",shard="0",source="nanjing"} 3`,
		`hefu_source_gap_offsets_total{city="320100",pipeline="bridge",reason="compacted",shard="0",source="nanjing"} 0`,
	} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("metrics lack %s", want)
		}
	}
}
