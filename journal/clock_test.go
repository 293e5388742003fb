package journal_test

import (
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// TestTimeNeverFalls: an event says when it was made, and never a time before the event before
// it, also where the clock of the next writer is behind.
func TestTimeNeverFalls(t *testing.T) {
	ctx, now := t.Context(), time.UnixMicro(1_785_000_000_000_000)
	j, err := journal.Open(ctx, "track", journal.Options{Store: journal.NewMemory(), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	s := domain.Stream{Pipeline: "track", Leg: domain.LegHub}
	w, err := j.Takeover(ctx, s, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	control, err := j.OpenControl(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []time.Duration{time.Second, -time.Hour, time.Hour + time.Second} {
		now = now.Add(step)
		if _, err := w.Append(ctx, &domain.HubAborted{Owned: w.Owned(), Trail: w.Trail()}); err != nil {
			t.Fatal(err)
		}
		if _, err := control.Append(ctx, func(*domain.ControlState) (domain.Event, error) { return &domain.Operator{Who: "li"}, nil }); err != nil {
			t.Fatal(err)
		}
	}
	for s, want := range map[domain.Stream][]int64{s: {0, 0, 1, 1, 2}, domain.ControlStream("track"): {0, 1, 1, 2}} {
		for i, at := range want {
			e, err := j.Get(ctx, s, domain.Seq(i+1))
			if err != nil {
				t.Fatal(err)
			}
			if got := (int64(e.At) - 1_785_000_000_000_000) / 1_000_000; got != at {
				t.Errorf("%s: at second %d, want %d", e.Ref(), got, at)
			}
		}
	}
}
