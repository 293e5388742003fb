package projections_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
)

var stream = domain.Stream{Pipeline: "p", Leg: domain.LegHub}

// script is an opener and its legs: each Open takes the next step.
type script struct {
	steps  []step
	opens  []time.Duration // since the beginning
	begin  time.Time
	closed int
}

type step struct {
	open error         // of Open
	runs time.Duration // how long Run takes
	err  error         // of Run
}

func (s *script) Open(context.Context) (projections.Leg, error) {
	s.opens = append(s.opens, time.Since(s.begin))
	i := min(len(s.opens), len(s.steps)) - 1
	if s.steps[i].open != nil {
		return nil, s.steps[i].open
	}
	return &scriptLeg{s, s.steps[i]}, nil
}

type scriptLeg struct {
	s *script
	step
}

func (l *scriptLeg) Cursor() domain.Cursor { return domain.Cursor{Seq: 7} }
func (l *scriptLeg) Close()                { l.s.closed++ }
func (l *scriptLeg) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(l.runs):
		return l.err
	}
}

// run keeps a script running for a time and returns how it ended; log is what was said.
type run struct {
	*script
	runner  *projections.Runner
	store   *journal.Memory
	control *journal.Control
	log     bytes.Buffer
	err     error
}

func newRun(t *testing.T, steps ...step) *run {
	t.Helper()
	r := &run{script: &script{steps: steps, begin: time.Now()}, store: journal.NewMemory()}
	j, err := journal.Open(t.Context(), "p", journal.Options{Store: r.store})
	if err != nil {
		t.Fatal(err)
	}
	if r.control, err = j.OpenControl(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.runner = &projections.Runner{
		Stream: stream, Opener: r.script, Incidents: projections.Incidents{Control: r.control},
		Reporter: projections.NewReporter(stream), Log: slog.New(slog.NewTextHandler(&r.log, nil)),
		Backoff: time.Second, MaxBackoff: 8 * time.Second,
	}
	return r
}

// during runs it for a time, with control followed as in a process.
func (r *run) during(t *testing.T, d time.Duration, meanwhile func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	following, done := make(chan error, 1), make(chan error, 1)
	go func() { following <- r.control.Run(ctx) }()
	go func() { done <- r.runner.Run(ctx) }()
	if meanwhile != nil {
		meanwhile()
	}
	r.err = <-done
	cancel()
	if err := <-following; err != nil {
		t.Error(err)
	}
	if s := r.runner.Reporter.Status(); s.State != projections.StateStopped {
		t.Errorf("ended in state %s", s.State)
	}
}

func seconds(n ...int) (out []time.Duration) {
	for _, s := range n {
		out = append(out, time.Duration(s)*time.Second)
	}
	return out
}

// TestBackoff: pauses double up to the limit; the same error is said once; a leg that
// ran well for a while begins anew, one that takes long to open does not.
func TestBackoff(t *testing.T) {
	lost := errors.New("broker is gone")
	for name, c := range map[string]struct {
		steps []step
		want  []time.Duration
		said  int
	}{
		"doubles":         {[]step{{open: lost}}, seconds(0, 1, 3, 7, 15, 23), 1},
		"resets":          {[]step{{open: lost}, {open: lost}, {runs: 9 * time.Second, err: lost}, {open: lost}}, seconds(0, 1, 3, 13, 15, 19, 27), 2},
		"short runs":      {[]step{{runs: time.Second, err: lost}}, seconds(0, 2, 5, 10, 19, 28), 1},
		"another error":   {[]step{{open: lost}, {open: errors.New("other")}, {open: lost}}, seconds(0, 1, 3, 7, 15, 23), 3},
		"ended by itself": {[]step{{runs: time.Second}}, seconds(0, 2, 5, 10, 19, 28), 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRun(t, c.steps...)
				r.during(t, 30*time.Second, nil)
				if r.err != nil || !slices.Equal(r.opens, c.want) {
					t.Errorf("ended with %v, opened at %v, want %v", r.err, r.opens, c.want)
				}
				if n := strings.Count(r.log.String(), "level=WARN"); n != c.said {
					t.Errorf("said %d times:\n%s", n, &r.log)
				}
			})
		})
	}
}

// TestDefaults: 50 ms, doubled up to 5 s.
func TestDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, step{open: errors.New("x")})
		r.runner.Backoff, r.runner.MaxBackoff = 0, 0
		r.during(t, 30*time.Second, nil)
		if r.opens[1] != 50*time.Millisecond || r.opens[2] != 150*time.Millisecond || r.opens[len(r.opens)-1]-r.opens[len(r.opens)-2] != 5*time.Second {
			t.Errorf("opened at %v", r.opens)
		}
	})
}

// TestSlowOpen: an Open that takes longer than the longest pause is no leg that ran.
func TestSlowOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, step{})
		r.runner.Opener = projections.OpenerFunc(func(ctx context.Context) (projections.Leg, error) {
			r.opens = append(r.opens, time.Since(r.begin))
			time.Sleep(10 * time.Second)
			return nil, errors.New("no answer")
		})
		r.during(t, 60*time.Second, nil)
		if want := seconds(0, 11, 23, 37, 55); !slices.Equal(r.opens, want) || strings.Count(r.log.String(), "level=WARN") != 1 {
			t.Errorf("opened at %v, want %v, said\n%s", r.opens, want, &r.log)
		}
	})
}

// TestEnds: what names an exit code ends the process; nothing is opened again.
func TestEnds(t *testing.T) {
	for _, end := range []error{&journal.FencedError{Stream: stream, Mine: 1, Owner: 2}, &projections.Refusal{Reason: "no table"}} {
		for _, s := range []step{{open: fmt.Errorf("open: %w", end)}, {runs: time.Second, err: fmt.Errorf("run: %w", end)}} {
			synctest.Test(t, func(t *testing.T) {
				r := newRun(t, s)
				r.during(t, time.Minute, nil)
				if !errors.Is(r.err, end) || len(r.opens) != 1 || (r.closed == 1) != (s.open == nil) {
					t.Errorf("ended with %v, opened at %v, closed %d times", r.err, r.opens, r.closed)
				}
			})
		}
	}
}

// TestIncident: a leg waits for an operator, and is opened again at once when there is
// a decision. What damages the journal becomes an incident by itself.
func TestIncident(t *testing.T) {
	found := domain.NewIncident(domain.IncidentDorisAhead, stream, "", nil, domain.Fact{Key: "found", Value: "x"})
	for name, c := range map[string]struct {
		err  error
		kind domain.IncidentKind
	}{
		"of the leg": {found, domain.IncidentDorisAhead},
		"integrity":  {fmt.Errorf("read: %w", &journal.IntegrityError{Stream: stream, Seq: 9, What: "torn"}), domain.IncidentIntegrity},
		"regressed":  {fmt.Errorf("append: %w", journal.ErrRegressed), domain.IncidentJournalRegressed},
		"breach":     {fmt.Errorf("open: %w", &journal.BreachError{What: journal.BreachRewritten, Anchor: journal.Anchor{Ref: domain.Ref{Stream: stream, Seq: 9}}}), domain.IncidentIntegrity},
		"lost end":   {fmt.Errorf("open: %w", &journal.BreachError{What: journal.BreachRegressed, Anchor: journal.Anchor{Ref: domain.Ref{Stream: stream, Seq: 9}}}), domain.IncidentJournalRegressed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRun(t, step{runs: time.Second, err: c.err}, step{runs: time.Hour})
				if errors.Is(c.err, found) {
					if _, err := r.runner.Incidents.Decide(t.Context(), found); !errors.Is(err, found) {
						t.Fatal(err)
					}
				}
				r.during(t, time.Minute, func() {
					time.Sleep(10 * time.Second)
					s := r.runner.Reporter.Status()
					if s.State != projections.StateIncident || s.Incident.IsZero() || len(r.opens) != 1 {
						t.Errorf("status: %+v, opened at %v", s, r.opens)
					}
					var in *domain.Incident
					r.control.State(func(state *domain.ControlState) { in = state.Incidents[s.Incident] })
					if in == nil || in.What != c.kind {
						t.Errorf("on record: %+v", in)
					}
					resolve(t, r.control, s.Incident, domain.ChoiceRetry)
				})
				if want := seconds(0, 10); !slices.Equal(r.opens, want) || r.err != nil {
					t.Errorf("opened at %v, want %v; ended with %v", r.opens, want, r.err)
				}
			})
		})
	}
}

// TestUnsoundControl: where not even the incident can be put on record the process ends, and
// says both.
func TestUnsoundControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, step{open: &journal.IntegrityError{Stream: stream, Seq: 9, What: "torn"}})
		s := domain.ControlStream("p")
		if err := r.store.Rewrite(s, 1, []byte("")); err != nil {
			t.Fatal(err)
		}
		err := r.runner.Run(t.Context())
		var refusal *projections.Refusal
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), "torn") || !strings.Contains(err.Error(), "p.control@1") || len(r.opens) != 1 {
			t.Errorf("ended with %v, opened at %v", err, r.opens)
		}
	})
}

func resolve(t *testing.T, c *journal.Control, id domain.IncidentID, choice domain.Choice) {
	t.Helper()
	_, err := c.Append(t.Context(), func(*domain.ControlState) (domain.Event, error) {
		return &domain.Resolved{ID: id, Choice: choice, Who: "op", Why: "looked"}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestDecide: an incident is filed once, a choice is handed out for as long as the same
// is found, and a retry is used up.
func TestDecide(t *testing.T) {
	r := newRun(t, step{})
	in := domain.NewIncident(domain.IncidentDorisForgotten, stream, "", []domain.Choice{domain.ChoiceCommitted})
	other := domain.NewIncident(domain.IncidentDorisForgotten, stream, "", nil, domain.Fact{Key: "rows", Value: "1"})
	tail := func() (at domain.Seq) {
		r.control.State(func(s *domain.ControlState) { at = s.Tail })
		return at
	}
	decide := func(in *domain.Incident, want domain.Choice, appends domain.Seq) {
		t.Helper()
		before := tail()
		choice, err := r.runner.Incidents.Decide(t.Context(), in)
		if choice != want || (want == "") != errors.Is(err, in) || tail() != before+appends {
			t.Errorf("decided %q, %v, with %d events; want %q with %d", choice, err, tail()-before, want, appends)
		}
	}
	decide(in, "", 1)
	decide(in, "", 0)
	resolve(t, r.control, in.ID, domain.ChoiceRetry)
	decide(in, "", 1) // found again: open again
	decide(in, "", 0)
	resolve(t, r.control, in.ID, domain.ChoiceCommitted)
	decide(in, domain.ChoiceCommitted, 0)
	decide(in, domain.ChoiceCommitted, 0)
	decide(other, "", 1)
}

// TestStatus: what a board shows of a running leg.
func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, step{runs: time.Hour})
		var b projections.Board
		b.AddLeg(r.runner.Reporter)
		b.AddSources(func() []projections.SourceStatus { return []projections.SourceStatus{{Source: "nanjing"}} })
		r.during(t, time.Minute, func() {
			time.Sleep(time.Second)
			s := b.Legs()[0]
			if s.State != projections.StateRunning || s.Stream != stream || s.Cursor.Seq != 7 || s.Opens != 1 || !s.Since.Equal(r.begin) {
				t.Errorf("leg: %+v", s)
			}
			if got := b.Sources(); len(got) != 1 || got[0].Source != "nanjing" {
				t.Errorf("sources: %+v", got)
			}
		})
	})
}
