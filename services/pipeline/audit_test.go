package pipeline_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// vouchWorld is a journal of 80 MiB of ingest, of which the hub has some: more than is read
// back at every start.
type vouchWorld struct {
	*testing.T
	store    *journal.Memory
	manifest journal.Manifest // nil: nothing is remembered
	ingest   []domain.Ref
	log      bytes.Buffer
}

func newVouchWorld(t *testing.T, carried int) *vouchWorld {
	t.Helper()
	w := &vouchWorld{T: t, store: journal.NewMemory()}
	j, err := journal.Open(t.Context(), "p", journal.Options{Store: w.store})
	w.ok(err)
	take := func(leg domain.Leg) *journal.Writer {
		wr, err := j.Takeover(t.Context(), domain.Stream{Pipeline: "p", Leg: leg}, 2, 1)
		w.ok(err)
		return wr
	}
	ingest, hub := take(domain.LegIngest), take(domain.LegHub)
	for i := range int64(80) {
		run := domain.Run{Source: "a", Generation: 1, First: i, Next: i + 1, Rows: 1, Batches: [][]byte{make([]byte, 1<<20)}}
		ref, err := ingest.Append(t.Context(), &domain.Ingested{Owned: ingest.Owned(), Runs: []domain.Run{run}})
		w.ok(err)
		w.ingest = append(w.ingest, ref)
	}
	at := w.ingest[carried-1]
	begun, err := hub.Append(t.Context(), &domain.HubBegun{Owned: hub.Owned(), Trail: hub.Trail(), First: w.ingest[0], Last: at})
	w.ok(err)
	_, err = hub.Append(t.Context(), &domain.HubCommitted{Owned: hub.Owned(), Trail: hub.Trail(), Begun: begun, Cursor: at})
	w.ok(err)
	return w
}

func (w *vouchWorld) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// damage flips a bit of a stored event.
func (w *vouchWorld) damage(at domain.Ref) {
	b, err := w.store.Get(w.Context(), at.Stream, 1, at.Seq)
	w.ok(err)
	w.ok(w.store.Rewrite(at.Stream, at.Seq, append(bytes.Clone(b[:len(b)-1]), b[len(b)-1]^1)))
}

func (w *vouchWorld) vouch(check string) error {
	c := &config.Config{DataDir: w.TempDir(), Journal: config.Journal{Mode: config.ModeEmbedded, CheckAtStart: check}}
	p := &config.Pipeline{Name: "p", Shards: 1}
	w.log.Reset()
	_, _, err := pipeline.Vouch(w.Context(), c, p, &pipeline.Store{Store: w.store, Manifest: w.manifest}, pipeline.Role{}, nil, slog.New(slog.NewTextHandler(&w.log, nil)))
	return err
}

// journal.check_at_start: what a start reads, and what it says of the rest.
func TestCheckAtStart(t *testing.T) {
	for _, c := range []struct {
		name         string
		carried      int // ingest events that the hub has
		damaged      int
		all, carries bool // refused with all, with carried
	}{
		{"nothing is wrong", 80, 0, false, false},
		{"what was carried long ago", 80, 5, true, false},
		{"what is still to be carried", 3, 5, true, true},
		{"its end", 80, 60, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newVouchWorld(t, c.carried)
			if c.damaged > 0 {
				w.damage(w.ingest[c.damaged-1])
			}
			for check, want := range map[string]bool{config.CheckAll: c.all, "": c.all, config.CheckCarried: c.carries} {
				var breach *journal.BreachError
				if err := w.vouch(check); errors.As(err, &breach) != want || !want && err != nil {
					t.Errorf("%q: %v", check, err)
				}
				unread := strings.Contains(w.log.String(), "carried events are not read at this start")
				if check != config.CheckCarried && unread || check == config.CheckCarried && c.carried == 80 && !unread {
					t.Errorf("%q: it says %s", check, &w.log)
				}
			}
		})
	}
}

// A start that reads for long says how far it is.
func TestSlowCheckIsSaid(t *testing.T) {
	var log bytes.Buffer
	told := pipeline.Saying(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), "p", time.Millisecond)
	for deadline := time.Now().Add(time.Minute); !strings.Contains(log.String(), "bytes_per_second"); {
		if time.Now().After(deadline) {
			t.Fatal("nothing is said")
		}
		told(1 << 20)
	}
}
