package status_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/status"
)

// change replaces a text in hefu.yaml.
func (r *rig) change(from, to string) {
	r.t.Helper()
	text, err := os.ReadFile(r.file)
	must(r.t, err)
	if !strings.Contains(string(text), from) {
		r.t.Fatalf("no %q in %s", from, text)
	}
	must(r.t, os.WriteFile(r.file, []byte(strings.Replace(string(text), from, to, 1)), 0o600))
}

// TestReload: what the file changes is answered source by source and shown afterwards; a file
// that is refused is answered with its place, and changes nothing.
func TestReload(t *testing.T) {
	r := newRig(t)
	before := r.report()
	if before.Reloaded != nil || before.Pipelines[0].Config == 0 {
		t.Fatalf("%+v", before)
	}
	const ask = `{"who":"wang","why":"ticket 7"}`
	r.change("topic: t}", "topik: t}")
	for body, says := range map[string]string{
		ask:                          `hefu.yaml:7:71: pipelines[0].sources[0].topik: is not a key here`,
		`{"who":"","why":"because"}`: "who",
		`{"who":"wang"}`:             "why",
	} {
		if code, answer := r.call(http.MethodPost, "/v1/reload", body); code != http.StatusUnprocessableEntity || !strings.Contains(answer, says) {
			t.Errorf("%s: %d %s", body, code, answer)
		}
	}
	r.change("topik: t}", "topic: t, city: x}") // twice
	if code, answer := r.call(http.MethodPost, "/v1/reload", ask); code != http.StatusUnprocessableEntity || !strings.Contains(answer, "is given twice") {
		t.Errorf("%d %s", code, answer)
	}
	r.change("topic: t, city: x}", "topic: t}")
	r.change("instance: host-1", "instance: host-2")
	if code, answer := r.call(http.MethodPost, "/v1/reload", ask); code != http.StatusUnprocessableEntity || !strings.Contains(answer, "instance: cannot change while the process runs") {
		t.Errorf("%d %s", code, answer)
	}
	r.change("instance: host-2", "instance: host-1")
	if diff := cmp.Diff(before, r.report()); diff != "" {
		t.Errorf("refused files changed:\n%s", diff)
	}
	r.change(`[{id: nanjing, city: "320100"`, `[{id: wuxi, city: "320200", brokers: ["127.0.0.1:1"], topic_pattern: "x.*"}, {id: suzhou, city: "320500"`)
	code, answer := r.call(http.MethodPost, "/v1/reload", ask)
	var got status.ReloadReport
	must(t, json.Unmarshal([]byte(answer), &got))
	after := r.report()
	want := status.ReloadReport{At: got.At, Who: "wang", Why: "ticket 7", Pipelines: []status.PipelineChangeReport{{
		Name: "bridge", Config: after.Pipelines[0].Config, Sources: []status.SourceChangeReport{
			{Source: "nanjing", Change: "removed"}, {Source: "suzhou", Change: "added"}, {Source: "wuxi", Change: "added"},
		},
	}}}
	if diff := cmp.Diff(want, got); diff != "" || code != http.StatusOK || time.Since(got.At) > time.Hour {
		t.Errorf("%d %s\n%s", code, answer, diff)
	}
	if diff := cmp.Diff(&want, after.Reloaded); diff != "" || after.Pipelines[0].Config <= before.Pipelines[0].Config {
		t.Errorf("configuration %d, then %d\n%s", before.Pipelines[0].Config, after.Pipelines[0].Config, diff)
	}
	r.change(`topic: t}`, `topic: t, paused: true}`)
	if code, answer := r.call(http.MethodPost, "/v1/reload", ask); code != http.StatusOK || !strings.Contains(answer, `{"source":"suzhou","change":"paused"}`) {
		t.Errorf("%d %s", code, answer)
	}
	r.board.AddSources(func() []projections.SourceStatus {
		return []projections.SourceStatus{{Pipeline: "bridge", Source: "suzhou", City: "320500", State: projections.StatePaused}}
	})
	if s := r.report().Pipelines[0].Sources[0]; s.State != "paused" || s.Error != "by wang: ticket 7" {
		t.Errorf("%+v", s)
	}
}

// TestSourcesThatNoLegShows: one that ended is shown as such, unless a leg still ends it; a
// pattern whose cluster does not answer is in trouble.
func TestSourcesThatNoLegShows(t *testing.T) {
	r := newRig(t)
	r.change(`[{id: nanjing, city: "320100"`, `[{id: wuxi, city: "320200", brokers: ["127.0.0.1:1"], topic_pattern: "x.*"}, {id: suzhou, city: "320500"`)
	if code, answer := r.call(http.MethodPost, "/v1/reload", `{"who":"wang","why":"ticket 7"}`); code != http.StatusOK {
		t.Fatal(answer)
	}
	states := func() map[string]string {
		out := map[string]string{}
		for _, s := range r.report().Pipelines[0].Sources {
			out[s.Source] += s.State
			if s.Source == "wuxi" && s.State == "retrying" && !strings.Contains(s.Error, "topics of pattern x.*") {
				t.Errorf("%+v", s)
			}
		}
		return out
	}
	deadline := time.Now().Add(30 * time.Second)
	for !cmp.Equal(states(), map[string]string{"nanjing": "ended", "wuxi": "retrying"}) {
		if time.Now().After(deadline) {
			t.Fatalf("sources %v", states())
		}
	}
	r.board.AddSources(func() []projections.SourceStatus {
		return []projections.SourceStatus{{Pipeline: "bridge", Source: "nanjing", City: "320100", State: projections.StateRunning}}
	})
	if got := states(); got["nanjing"] != "running" {
		t.Errorf("while it ends: %v", got)
	}
}
