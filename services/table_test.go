package services_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/status"
)

// The shards of a process share one cadence: while one has loaded, the others wait for
// their turn and say so.
func TestShardsTakeTurns(t *testing.T) {
	w := newWorld(t)
	p := &w.cfg.Pipelines[0]
	p.Shards, p.Doris.Batch.Interval = 2, time.Hour
	w.start()
	w.feed("north", 0, 20)
	w.feed("south", 0, 20)
	deadline := time.Now().Add(60 * time.Second)
	for {
		var loaded, waiting int
		r, ok := w.report()
		for _, p := range r.Pipelines {
			for _, l := range p.Legs {
				switch {
				case l.Leg != string(domain.LegDoris):
				case l.Rows == 0 && l.Waiting != "":
					waiting++
				case l.Rows > 0 && l.Open == 0:
					loaded++
				}
			}
		}
		if ok && loaded == 1 && waiting == 1 {
			break
		}
		if loaded > 1 || time.Now().After(deadline) {
			t.Fatalf("%d shards have loaded, %d wait: %+v", loaded, waiting, r)
		}
	}
	w.end()
}

// A table that does not fit ends the process with exit code 2; so does one whose model is
// not the one in hefu.yaml.
func TestTableThatDoesNotFit(t *testing.T) {
	w := newWorld(t)
	w.cfg.Pipelines[0].Doris.Model = config.ModelDuplicate
	w.start()
	err := <-w.done
	var ended *services.EndedError
	if !errors.As(err, &ended) || ended.Code != 2 {
		t.Errorf("ended with %v", err)
	}
	if _, err := os.Stat(filepath.Join(w.cfg.DataDir, status.AddressFile)); err == nil {
		t.Error("the address of the API is still there")
	}
}

// What hefu.yaml says about the way to Doris holds for whoever goes it: the leg and the
// reconciler.
func TestUserFromAFile(t *testing.T) {
	w := newWorld(t)
	user := filepath.Join(t.TempDir(), "user")
	must(t, os.WriteFile(user, []byte("root\n"), 0o600))
	d := w.cfg.Pipelines[0].Doris
	d.User, d.UserFile = "nobody", user
	d.Semantic, d.Properties = string(domain.AtLeastOnce), map[string]string{"read_json_by_line": "true", "strip_outer_array": "true"}
	w.start()
	w.feed("north", 0, 20)
	w.untilRows(40)
	w.end()
	isVerified(t, prove(t, w.cfg, &w.cfg.Pipelines[0]))
}
