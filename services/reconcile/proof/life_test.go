package proof_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// TestClosed: a window is closed when everything is past its end, and waits for the last one.
func TestClosed(t *testing.T) {
	w := domain.Window{Proof: domain.ProofCityHub, Source: "nanjing", Generation: 1, Index: 1}
	const end = 2 * domain.WindowSize
	all := func(city, journal, hub int64) []proof.Reach {
		return []proof.Reach{{"the city's last stable offset", city}, {"the journal", journal}, {"the hub", hub}}
	}
	for _, c := range []struct {
		reaches []proof.Reach
		through int64
		closed  bool
		waits   string
	}{
		{all(end, end, end), end, true, ""},
		{all(end+9, end+5, end), end, true, ""},
		{all(end, end, end-1), end - 1, false, "waits for the hub, which is at 131071"},
		{all(end-7, end-7, end-9), end - 9, false, "waits for the hub, which is at 131063"},
		{all(70_000, end, end), 70_000, false, "waits for the city's last stable offset, which is at 70000"},
		{all(end, 5, 5), domain.WindowSize, false, "waits for the journal, which is at 5"},
		{append(all(end, end, end), proof.Reach{"hub@12, which has no outcome", 70_001}), 70_001, false, "waits for hub@12, which has no outcome, which is at 70001"},
	} {
		through, closed, waits := proof.Closed(w, c.reaches...)
		if through != c.through || closed != c.closed || waits != c.waits {
			t.Errorf("%v: %d %v %q, want %d %v %q", c.reaches, through, closed, waits, c.through, c.closed, c.waits)
		}
	}
}

const end = domain.WindowSize

// step is one thing that happens to a window, and what it is then.
type step struct {
	reached int64
	left    domain.Vector
	right   domain.Vector
	cannot  domain.WindowState
	want    domain.WindowState
	through int64
}

// TestLife follows windows through their states.
func TestLife(t *testing.T) {
	few, more, all := vectorOf(1), vectorOf(1, 2), vectorOf(1, 2, 3)
	const look = -1
	for name, steps := range map[string][]step{
		"prefixes are verified as they grow": {
			{reached: 10, want: domain.WindowOpen},
			{reached: look, left: few, right: few, want: domain.WindowOpen, through: 10},
			{reached: 20, want: domain.WindowOpen, through: 10},
			{reached: 15, want: domain.WindowOpen, through: 10},
			{reached: look, left: more, right: more, want: domain.WindowOpen, through: 20},
			{reached: end, want: domain.WindowSettling, through: 20},
			{reached: look, left: all, right: all, want: domain.WindowVerified, through: end},
		},
		"suspect until both stand still": {
			{reached: end, want: domain.WindowSettling},
			{reached: look, left: all, right: few, want: domain.WindowSuspect, through: end},
			{reached: look, left: all, right: more, want: domain.WindowSuspect, through: end},
			{reached: look, left: all, right: more, want: domain.WindowSuspect, through: end},
			{reached: look, left: all, right: more, want: domain.WindowSuspect, through: end},
			{reached: look, left: all, right: more, want: domain.WindowDiverged, through: end},
			{reached: look, left: all, right: all, want: domain.WindowVerified, through: end},
		},
		"a suspect gets well": {
			{reached: end, want: domain.WindowSettling},
			{reached: look, left: all, right: more, want: domain.WindowSuspect, through: end},
			{reached: look, left: all, right: all, want: domain.WindowVerified, through: end},
			{reached: look, left: all, right: few, want: domain.WindowSuspect, through: end},
		},
		"a prefix that differs stands while more comes": {
			{reached: 10, want: domain.WindowOpen},
			{reached: look, left: more, right: few, want: domain.WindowSuspect, through: 10},
			{reached: end, want: domain.WindowSuspect, through: 10},
			{reached: look, left: more, right: few, want: domain.WindowSuspect, through: 10},
			{reached: look, left: more, right: few, want: domain.WindowSuspect, through: 10},
			{reached: look, left: more, right: few, want: domain.WindowDiverged, through: 10},
			{reached: look, left: all, right: more, want: domain.WindowDiverged, through: end},
		},
		"held back, and let go": {
			{reached: 10, want: domain.WindowOpen},
			{reached: look, left: few, right: few, want: domain.WindowOpen, through: 10},
			{cannot: domain.WindowBlocked, want: domain.WindowBlocked, through: 10},
			{reached: 10, want: domain.WindowBlocked, through: 10},
			{reached: end, want: domain.WindowSettling, through: 10},
		},
		"nobody looked, then somebody does": {
			{cannot: domain.WindowNotChecked, want: domain.WindowNotChecked},
			{reached: end, want: domain.WindowNotChecked},
			{reached: look, left: all, right: all, want: domain.WindowVerified, through: end},
			{cannot: domain.WindowUnverifiable, want: domain.WindowVerified, through: end},
		},
		"gone before it stood still": {
			{reached: end, want: domain.WindowSettling},
			{reached: look, left: all, right: more, want: domain.WindowSuspect, through: end},
			{cannot: domain.WindowUnverifiable, want: domain.WindowUnverifiable, through: end},
		},
		"no state of somebody else's": {
			{cannot: domain.WindowVerified, want: domain.WindowOpen},
			{cannot: domain.WindowDiverged, want: domain.WindowOpen},
		},
	} {
		l := proof.Begin(domain.Window{Proof: domain.ProofHubDoris})
		for i, s := range steps {
			switch {
			case s.cannot != "":
				l = l.Cannot(s.cannot, "because")
			case s.reached == look:
				l = l.Looked(l.Ask(), s.left, s.right)
			default:
				l = l.Reached(s.reached)
			}
			if l.State != s.want || l.Through != s.through {
				t.Fatalf("%s, step %d: %s through %d (%s), want %s through %d", name, i+1, l.State, l.Through, l.Why, s.want, s.through)
			}
			again := proof.Resume(l.Result())
			if again.Result() != l.Result() || l.Stands() && !again.Stands() {
				t.Fatalf("%s, step %d: resumed as %+v", name, i+1, again)
			}
		}
	}
}

// TestDue: what is open waits for rows, what is a result for somebody who asks.
func TestDue(t *testing.T) {
	l := proof.Begin(domain.Window{Proof: domain.ProofHubDoris})
	due := func(want bool, what string) {
		t.Helper()
		if l.Due() != want {
			t.Errorf("%s: due is %v", what, !want)
		}
	}
	due(false, "nothing came")
	l = l.Reached(5)
	due(true, "a prefix")
	l = l.Looked(l.Ask(), vectorOf(1), vectorOf(1))
	due(false, "a verified prefix")
	l = l.Reached(end)
	due(true, "settling")
	l = l.Looked(l.Ask(), vectorOf(1), vectorOf(1, 2))
	due(true, "suspect")
	for range proof.Looks {
		l = l.Looked(l.Ask(), vectorOf(1), vectorOf(1, 2))
	}
	if !l.Stands() || l.Why != "1 from nowhere, outside of what should be there" {
		t.Errorf("stands: %v, %q", l.Stands(), l.Why)
	}
	due(false, "diverged")
	l = l.Looked(l.Ask(), vectorOf(1), vectorOf(1, 3))
	if l.Stands() || l.State != domain.WindowDiverged {
		t.Errorf("it changed: %s, stands %v", l.State, l.Stands())
	}
	due(true, "diverged and moving")
	l = l.Looked(l.Ask(), vectorOf(1), vectorOf(1)).Cannot(domain.WindowNotChecked, "late")
	due(false, "verified")
}

// TestInFlight: rows that are on their way never make a window suspect, let alone a finding,
// in whatever order places get them and however far apart they are, as long as each says how
// far it has come; and the window ends verified.
func TestInFlight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const rows = 60
		w := domain.Window{Proof: domain.ProofHubDoris}
		scale := int64(end / rows)
		left, right := int64(0), int64(0)
		l := proof.Begin(w)
		for l.State != domain.WindowVerified {
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				left = min(rows, left+rapid.Int64Range(0, 9).Draw(t, "left"))
			case 1:
				right = min(left, right+rapid.Int64Range(0, 9).Draw(t, "right"))
			case 2:
				next := func(n int64) int64 {
					if n == rows {
						return end
					}
					return n * scale
				}
				through, _, _ := proof.Closed(w, proof.Reach{"left", next(left)}, proof.Reach{"right", next(right)})
				l = l.Reached(through)
				if !l.Due() {
					continue
				}
				ask := l.Ask()
				upTo := func(n int64) (v domain.Vector) {
					for i := range n { // more than what is asked for is there already
						if o := i * scale; o < ask.Next {
							v = proof.Join(v, vectorOf(o))
						}
					}
					return v
				}
				l = l.Looked(ask, upTo(left), upTo(right))
			}
			if l.State == domain.WindowSuspect || l.State == domain.WindowDiverged {
				t.Fatalf("%s: %s", l.State, l.Why)
			}
		}
	})
}
