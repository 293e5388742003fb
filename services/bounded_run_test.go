package services_test

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/pipeline"
)

// runs runs the process until it ends by itself, and gives its log.
func (w *world) runs() string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 90*time.Second)
	defer cancel()
	var said bytes.Buffer
	role := pipeline.Role{Version: "test", Legs: []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}}
	err := services.Run(ctx, w.cfg, role, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil || ctx.Err() != nil {
		w.t.Fatalf("the process does not end by itself with exit code 0: %v, %v\n%s", err, ctx.Err(), &said)
	}
	return said.String()
}

// rows counts the rows of the table.
func (w *world) rows() (n int) {
	w.t.Helper()
	db, err := sql.Open("mysql", "root@tcp("+w.cfg.Pipelines[0].Doris.MySQL[0]+")/ods?interpolateParams=true")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(w.t.Context(), "SELECT count(*) FROM ods.ODS_QL_JC_SSJC").Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) bound(at domain.StopAt) {
	for i := range w.cfg.Pipelines[0].Sources {
		w.cfg.Pipelines[0].Sources[i].Bounded = string(at)
	}
}

// complete is the line that says that a bounded run is over.
func complete(said string) string {
	return regexp.MustCompile(`(?m)^.*bounded run is complete.*$`).FindString(said)
}

// A bounded run ends with exit code 0 when everything is in the hub and in the table, what
// cannot be carried is listed, also where it is the last there is, and a second run of it
// moves nothing.
func TestBoundedRun(t *testing.T) {
	w := newWorld(t)
	w.bound(domain.StopLatest)
	w.cfg.Pipelines[0].Shards = 2
	w.feed("north", 0, 200)
	w.feed("south", 0, 100)
	w.last("south", strings.Repeat(`"`, 600<<10)) // in JSON twice as long, and more than the hub takes
	said := w.runs()
	line := complete(said)
	for _, want := range []string{"sources=2", "rows_journaled=601", "rows_to_hub=600", "rows_to_doris=600", "rows_excluded=1"} {
		if !strings.Contains(line, want) {
			t.Errorf("the end says %q, want %s", line, want)
		}
	}
	if n := w.rows(); n != 600 {
		t.Errorf("table has %d rows of 600", n)
	}
	w.feed("north", 200, 50)
	if line := complete(w.runs()); !strings.Contains(line, "rows_journaled=0") {
		t.Errorf("the second run says %q", line)
	}
	w.verified(600, 1)
}

// verified holds journal, hub and table against the cities, below the ends of the run.
func (w *world) verified(rows, excluded int64) {
	w.t.Helper()
	b := w.books()
	var hub, left int64
	for _, a := range b.Accounts {
		hub, left = hub+a.Hub, left+a.HubExcluded
		if a.Rows != a.Hub+a.HubExcluded || a.Hub != a.Doris+a.DorisExcluded {
			w.t.Errorf("rows are on their way: %+v", a)
		}
	}
	if len(b.Findings) > 0 || hub != rows || left != excluded {
		w.t.Errorf("%d rows in the hub, %d left out, findings %v", hub, left, b.Findings)
	}
	isVerified(w.t, prove(w.t, w.cfg, &w.cfg.Pipelines[0]))
}

// last sends one more row to partition 0 of a topic.
func (w *world) last(topic, value string) {
	w.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.kafka...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		w.t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(w.t.Context(), &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

// A source that is not bounded keeps the process, and so does one that is paused.
func TestUnboundedSourceKeepsTheProcess(t *testing.T) {
	for name, change := range map[string]func(*world){
		"unbounded": func(w *world) { w.cfg.Pipelines[0].Sources[1].Bounded = "" },
		"paused":    func(w *world) { w.cfg.Pipelines[0].Sources[1].Paused = true },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.bound(domain.StopLatest)
			change(w)
			w.feed("north", 0, 20)
			w.start()
			w.untilRows(40)
			deadline := time.Now().Add(30 * time.Second)
			for state := ""; state != "finished"; {
				r, _ := w.report()
				for _, p := range r.Pipelines {
					for _, s := range p.Sources {
						if s.Source == "north" {
							state = s.State
						}
					}
				}
				if time.Now().After(deadline) {
					t.Fatalf("north is %s", state)
				}
			}
			select {
			case err := <-w.done:
				t.Fatalf("the process ended: %v", err)
			case <-time.After(time.Second): // five looks
			}
			w.end()
		})
	}
}

// The process is stopped again and again before the run is complete: the end is where it
// was found first, though the topics go on growing.
func TestBoundedRunRestarted(t *testing.T) {
	w := newWorld(t)
	w.bound(domain.StopLatest)
	w.cfg.Pipelines[0].Ingest.EventBytes, w.cfg.Pipelines[0].Ingest.FetchBytes, w.cfg.Pipelines[0].Ingest.QueueBytes = 4<<10, 4<<10, 16<<10
	w.feed("north", 0, 1000)
	w.feed("south", 0, 1000)
	for i := range 4 {
		w.start()
		deadline := time.Now().Add(30 * time.Second)
		for going := false; !going; {
			r, _ := w.report()
			for _, p := range r.Pipelines {
				some := 0
				for _, s := range p.Sources {
					if s.Rows > 0 {
						some++
					}
				}
				going = some > 0 && (i > 0 || some == len(p.Sources)) // where each ends is found by the first
			}
			select {
			case err := <-w.done: // it was fast
				if err != nil {
					t.Fatal(err)
				}
				w.done <- nil
				going = true
			default:
			}
			if time.Now().After(deadline) {
				t.Fatal("nothing is journaled")
			}
		}
		w.end()
		w.feed("north", 1000+100*i, 100)
	}
	w.runs()
	if n := w.rows(); n != 4000 {
		t.Errorf("table has %d rows of 4000", n)
	}
	w.verified(4000, 0)
}
