package realflink_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// TestFlinkModes: in each way that the connector has to find a back end it loads every row once, with the transactions that
// it makes of a real cluster: its probe aborted, the others visible (doris-wire.md §11.5).
func TestFlinkModes(t *testing.T) {
	needsFlink(t)
	for _, c := range []struct {
		name             string
		redirect, direct bool
		fe, be           []string // what is asked of each
	}{
		{
			name: "redirect", redirect: true,
			fe: []string{"GET /", "GET /api/ods/t/_schema", "PUT /api/ods/_stream_load_2pc", "PUT /api/ods/t/_stream_load"},
			be: []string{"PUT /api/ods/_stream_load_2pc?", "PUT /api/ods/t/_stream_load?"},
		},
		{
			name: "list",
			fe:   []string{"GET /", "GET /api/backends?is_alive=true", "GET /api/ods/t/_schema"},
			be:   []string{"GET /", "PUT /api/ods/_stream_load_2pc", "PUT /api/ods/t/_stream_load"},
		},
		{
			name: "benodes", redirect: true, direct: true,
			fe: []string{"GET /", "GET /api/ods/t/_schema"},
			be: []string{"GET /", "PUT /api/ods/_stream_load_2pc", "PUT /api/ods/t/_stream_load"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			j := s.job("p", 6, 3)
			j.AutoRedirect = c.redirect
			if c.direct {
				j.Backends = strings.TrimPrefix(s.BEURL(), "http://")
			}
			s.run(j)
			s.compare(6)
			s.transactions("1 p_ods_t_0_1 ABORTED User Abort")
			if d := cmp.Diff(c.fe, s.asked(s.FEURL())); d != "" {
				t.Errorf("front end:\n%s", d)
			}
			if d := cmp.Diff(c.be, s.asked(s.BEURL())); d != "" {
				t.Errorf("back end:\n%s", d)
			}
		})
	}
}

// TestFlinkSecondStart: a job that starts afresh under a used prefix finds its first label finished, and refuses to run.
func TestFlinkSecondStart(t *testing.T) {
	needsFlink(t)
	s := open(t)
	s.run(s.job("p", 6, 3))
	_, err := s.job("p", 6, 3).Run(t.Context())
	const want = "Load status is Label Already Exists and load job finished, change you label prefix or restore from latest savepoint!"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("second start: %v", err)
	}
	s.compare(6)
}

// TestFlinkLingering: a load that an earlier run left PRECOMMITTED is found by its label, and aborted; the commit whose
// reply gets lost is repeated, and found done.
func TestFlinkLingering(t *testing.T) {
	needsFlink(t)
	s := open(t)
	s.precommit("p_ods_t_0_1", `{"id":0,"v":"of the earlier run"}`)
	s.Faults().Arm(doris.DropCommitReply, doris.Arming{Times: 1})
	log := s.run(s.job("p", 6, 3))
	s.compare(6)
	s.transactions("1 p_ods_t_0_1 ABORTED User Abort", "2 p_ods_t_0_2 ABORTED User Abort")
	if n := s.Faults().Hits(doris.DropCommitReply); n != 1 {
		t.Errorf("%d replies lost\n%s", n, log)
	}
}

// TestFlinkKilled: a job that is killed between two checkpoints, and restored from the last one, loads every row once.
func TestFlinkKilled(t *testing.T) {
	needsFlink(t)
	s := open(t)
	j := s.job("p", 60, 3)
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	ended := make(chan error, 1)
	go func() {
		_, err := j.Run(ctx)
		ended <- err
	}()
	s.until(ctx, "three loads", func() bool { return s.count("SELECT count(*) FROM ods.t") >= 9 })
	kill()
	if err := <-ended; err == nil {
		t.Fatal("the job ended by itself")
	}
	j.Restore = true
	s.run(j)
	s.compare(60)
}

// precommit leaves a load PRECOMMITTED.
func (s *standIn) precommit(label, row string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, s.BEURL()+"/api/ods/t/_stream_load", strings.NewReader(row))
	if err != nil {
		s.Fatal(err)
	}
	req.SetBasicAuth("root", "")
	for k, v := range map[string]string{"label": label, "format": "json", "two_phase_commit": "true"} {
		req.Header.Set(k, v)
	}
	defer http.DefaultClient.CloseIdleConnections()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	_ = resp.Body.Close() // the transactions tell what became of it
}
