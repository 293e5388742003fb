package file_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/file"
)

var errLost = errors.New("the answer is lost")

func full(t testing.TB, kind domain.TargetKind) *world {
	t.Helper()
	w := newWorld(t, false)
	for range 4 {
		w.carried(5)
	}
	w.plan(kind, domain.LegHub, domain.Selection{})
	return w
}

// TestFile: the file has the lines of the rows that the hub has, in its order, and a lane that
// is done is not written again.
func TestFile(t *testing.T) {
	w := full(t, domain.TargetFile)
	must(t, w.run(w.ctx, w.process()))
	w.done(w.lines)
	leg, err := w.process().Open(w.ctx)
	must(t, err)
	defer leg.Close()
	if leg.Cursor() != w.cfg.Replay.Lane.Last {
		t.Errorf("opened at %s", leg.Cursor())
	}
	must(t, leg.Run(w.ctx))
	w.done(w.lines)
}

// TestNull: of the target null there is nothing but the outcome, which is that of the file.
func TestNull(t *testing.T) {
	w := full(t, domain.TargetNull)
	must(t, w.run(w.ctx, w.process()))
	must(t, w.run(w.ctx, w.process()))
	w.outcome(len(w.lines), strings.Join(append(w.lines, ""), "\n"))
	if there, err := os.ReadDir(w.cfg.DataDir); err != nil || len(there) > 0 {
		t.Errorf("the data directory has %v, %v", there, err)
	}
}

// TestCut: a plan's rows only; and a plan of none makes an empty file.
func TestCut(t *testing.T) {
	w := full(t, domain.TargetFile)
	w.cfg.Replay.Plan.Rows.Cities = []domain.CitySpan{{Source: "wuxi", Span: domain.Span{First: 2, Next: 9}}}
	var want []string
	for _, l := range w.lines {
		for _, offset := range []int{2, 3, 4, 5, 7, 8} { // 6 the hub left out
			if strings.Contains(l, "320200") && strings.Contains(l, fmt.Sprintf(`"city_offset_id":%d,`, offset)) {
				want = append(want, l)
			}
		}
	}
	if len(want) != 6 {
		t.Fatalf("%d lines", len(want))
	}
	must(t, w.run(w.ctx, w.process()))
	w.done(want)

	w = full(t, domain.TargetFile)
	w.cfg.Replay.Plan.Rows.Cities = []domain.CitySpan{{Source: "suzhou", Span: domain.Span{Next: 9}}}
	must(t, w.run(w.ctx, w.process()))
	w.done(nil)
}

// TestDirect: of a pipeline that reads the hub itself the columns are those of the value, the
// place that of the record; what is no row of the hub is counted.
func TestDirect(t *testing.T) {
	w := newWorld(t, true)
	row := `{"sscsdm":"320100","extract_time":"2025-07-31 22:00:00.123456","record":"a","city_partition_id":1,"city_offset_id":7,"city_ts":"2025-07-31 21:00:00.001"`
	batch := recordBatch(10, row+"}", "no row", row+"}")
	torn := recordBatch(13, row+"}", row+"}")
	torn[65] ^= 0x55 // its records do not decode, its header does
	_, err := w.ingest.Append(w.ctx, &domain.Ingested{Owned: w.ingest.Owned(), Runs: []domain.Run{{
		Source: "hub", Generation: 1, Partition: 3, First: 10, Next: 15, Rows: 5, Batches: [][]byte{batch, torn},
	}}})
	must(t, err)
	w.plan(domain.TargetFile, domain.LegIngest, domain.Selection{})
	must(t, w.run(w.ctx, w.process()))
	want := []string{
		row + `,"hw_partition_id":3,"hw_offset_id":10,"hw_ts":"2023-11-15 06:13:20.01"}`,
		row + `,"hw_partition_id":3,"hw_offset_id":12,"hw_ts":"2023-11-15 06:13:20.012"}`,
	}
	w.done(want)
	if c := w.outcome(2, strings.Join(append(want, ""), "\n")); !strings.Contains(c.How, "left out, as no rows of the hub: 3") {
		t.Errorf("outcome: %s", c.How)
	}
}

// TestDies: at each step of each write the process dies, or the write fails, having happened or
// not; whoever goes on makes the same bytes.
func TestDies(t *testing.T) {
	for _, step := range []string{"begun.after", "sync.before", "cursor.before", "cursor.after", "rename.before", "rename.after", "outcome.after"} {
		for _, nth := range []int{0, 1, 4} {
			for _, dies := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %d dies %v", step, nth, dies), func(t *testing.T) {
					t.Parallel()
					w := full(t, domain.TargetFile)
					f, n := w.process(), 0
					f.Faults(func(at string) error {
						if at == step {
							if n++; n == nth+1 {
								return errLost
							}
						}
						return nil
					})
					err := w.run(w.ctx, f)
					if err == nil && n <= nth {
						return // it does not come there so often
					}
					if !errors.Is(err, errLost) {
						t.Fatalf("ended with %v", err)
					}
					if dies {
						f = w.process()
					}
					must(t, w.run(w.ctx, f))
					must(t, w.run(w.ctx, w.process()))
					w.done(w.lines)
				})
			}
		}
	}
}

// TestPuts: the intent and the outcome fail to be stored, having happened or not.
func TestPuts(t *testing.T) {
	for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
		for at := range 4 {
			w := full(t, domain.TargetFile)
			n := at
			w.store.OnPut = func(s domain.Stream, _ domain.Seq, _ [][]byte) journal.Fault {
				if s == w.cfg.Replay.Stream() {
					if n--; n == -1 {
						return fault
					}
				}
				return journal.FaultNone
			}
			must(t, w.run(w.ctx, w.process()))
			if n >= 0 {
				t.Errorf("there were no %d puts", at)
			}
			w.done(w.lines)
		}
	}
}

// TestHarmed: what is beside or in an unfinished file and is not as it was left makes it begin
// anew; a torn tail is cut.
func TestHarmed(t *testing.T) {
	for name, harm := range map[string]func(w *world) error{
		"torn tail":       func(w *world) error { return appendTo(w.path()+".part", `{"sscsdm":`) },
		"shorter":         func(w *world) error { return os.Truncate(w.path()+".part", 100) },
		"gone":            func(w *world) error { return os.Remove(w.path() + ".part") },
		"altered":         func(w *world) error { return alter(w.path() + ".part") },
		"cursor gone":     func(w *world) error { return os.Remove(w.path() + ".cursor") },
		"cursor not JSON": func(w *world) error { return os.Truncate(w.path()+".cursor", 10) },
		"another host":    func(w *world) error { w.cfg.DataDir = w.t.TempDir(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			w := full(t, domain.TargetFile)
			f, n := w.process(), 0
			f.Faults(func(at string) error {
				if at == "cursor.after" {
					if n++; n == 2 {
						return errLost
					}
				}
				return nil
			})
			if err := w.run(w.ctx, f); !errors.Is(err, errLost) {
				t.Fatalf("ended with %v", err)
			}
			must(t, harm(w))
			must(t, w.run(w.ctx, w.process()))
			w.done(w.lines)
		})
	}
}

// TestRenamedAndAltered: a file that has its name and no outcome yet is believed by its digest
// only.
func TestRenamedAndAltered(t *testing.T) {
	w := full(t, domain.TargetFile)
	f := w.process()
	f.Faults(func(at string) error {
		if at == "rename.after" {
			return errLost
		}
		return nil
	})
	if err := w.run(w.ctx, f); !errors.Is(err, errLost) {
		t.Fatalf("ended with %v", err)
	}
	must(t, alter(w.path()))
	must(t, w.run(w.ctx, w.process()))
	w.done(w.lines)
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func alter(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[30] ^= 1
	return os.WriteFile(path, b, 0o600)
}

// TestStops: a leg that is told to stop keeps what it has, and another one goes on there.
func TestStops(t *testing.T) {
	w := newWorld(t, false)
	w.carried(5)
	w.carried(2000)
	w.plan(domain.TargetFile, domain.LegHub, domain.Selection{})
	w.cfg.Replay.Pace.Set(domain.PlanLimits{Rows: 40}) // 8 of them at once, and no more
	ctx, stop := context.WithCancel(w.ctx)
	defer stop()
	reporter := projections.NewReporter(w.cfg.Replay.Stream())
	f, err := file.New(w.cfg, w.j, w.started(), 1, reporter, nil)
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- w.run(ctx, f) }()
	for reporter.Status().Rows == 0 && w.ctx.Err() == nil {
		runtime.Gosched()
	}
	stop()
	must(t, <-done)
	if _, err := os.Stat(w.path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not whole has its name: %v", err)
	}
	w.cfg.Replay.Pace.Set(domain.PlanLimits{})
	next := projections.NewReporter(w.cfg.Replay.Stream())
	f, err = file.New(w.cfg, w.j, w.started(), 1, next, nil)
	must(t, err)
	must(t, w.run(w.ctx, f))
	w.done(w.lines)
	if n := next.Status().Rows; n != int64(len(w.lines))-8 {
		t.Errorf("the next process wrote %d of %d rows", n, len(w.lines))
	}
}

// TestZombie: a process that was replaced while it slept finishes its file, which is the same,
// and is fenced at the journal.
func TestZombie(t *testing.T) {
	for _, step := range []string{"begun.after", "sync.before", "cursor.before", "rename.before", "rename.after"} {
		t.Run(step, func(t *testing.T) {
			w := full(t, domain.TargetFile)
			arrived, wake := make(chan struct{}), make(chan struct{})
			f, slept := w.process(), false
			f.Faults(func(at string) error {
				if at == step && !slept {
					slept = true
					close(arrived)
					<-wake
				}
				return nil
			})
			done := make(chan error, 1)
			go func() { done <- w.run(w.ctx, f) }()
			<-arrived
			must(t, w.run(w.ctx, w.process()))
			close(wake)
			if err := <-done; err == nil {
				t.Error("the older process has an outcome")
			}
			got, err := os.ReadFile(w.path())
			must(t, err)
			if want := strings.Join(append(w.lines, ""), "\n"); string(got) != want {
				t.Errorf("the file has\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestRefused: what is no file is not for this leg.
func TestRefused(t *testing.T) {
	w := full(t, domain.TargetTable)
	var refusal *projections.Refusal
	if _, err := file.New(w.cfg, w.j, 1, 1, nil, nil); !errors.As(err, &refusal) || !strings.Contains(err.Error(), "target table is no file") {
		t.Errorf("made with %v", err)
	}
	if _, _, err := file.Digest(&domain.DorisCommitted{How: "transaction state"}); err == nil {
		t.Error("a load has the digest of a file")
	}
	var broken *journal.IntegrityError
	w = full(t, domain.TargetFile)
	w.cfg.Replay.Lane.Last.Hash[2]++
	if err := w.run(w.ctx, w.process()); !errors.As(err, &broken) {
		t.Errorf("ended with %v", err)
	}
}
