package dorisconn

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestAddresses: who answered last comes first, who failed last, for twice as long each
// time up to a bound, and nobody is ever left out.
func TestAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAddresses([]string{"a", "b", "a", "c"}, time.Now)
		is := func(want string) {
			t.Helper()
			if got := strings.Join(a.order(), ""); got != want {
				t.Errorf("order %s, want %s", got, want)
			}
		}
		is("abc")
		a.answered("c")
		is("cab")
		a.answered("b")
		is("bca")
		a.failed("b")
		is("cab")
		time.Sleep(time.Second)
		a.failed("c")
		a.failed("stranger")
		is("abc") // b is forgiven before c
		time.Sleep(firstPenalty - time.Second)
		is("bac")
		a.failed("a")
		is("bca")
		time.Sleep(time.Second)
		is("bca")
		// Failing while it is ill anyway changes nothing; failing again after it does.
		for penalty := 2 * firstPenalty; penalty < 4*maxPenalty; penalty *= 2 {
			a.answered("c")
			a.answered("b")
			time.Sleep(maxPenalty)
			a.failed("a")
			a.failed("a")
			time.Sleep(min(penalty, maxPenalty) - 1)
			is("bca")
			if a.all[0].penalty != min(penalty, maxPenalty) {
				t.Errorf("penalty %s, want %s", a.all[0].penalty, min(penalty, maxPenalty))
			}
		}
		a.answered("a")
		is("abc")
		a.failed("a")
		time.Sleep(firstPenalty)
		is("abc")
	})
}

// TestAddressesTogether: under the race detector.
func TestAddressesTogether(t *testing.T) {
	a := newAddresses([]string{"a", "b"}, time.Now)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				for _, n := range a.order() {
					a.failed(n)
					a.answered(n)
				}
			}
		})
	}
	all.Wait()
	if len(a.order()) != 2 {
		t.Error(a.order())
	}
}
