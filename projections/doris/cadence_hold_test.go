package doris

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestHold: whoever holds a table waits for the loads that are under way, none begins until it is
// let go, and of two who hold it both have to.
func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, began := NewCadence(0), time.Now()
		at := func() float64 { return time.Since(began).Seconds() }
		if err := c.enter(t.Context(), func() { t.Error("it waits, and nobody holds the table") }); err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(5 * time.Second)
			c.leave()
		}()
		first, err := c.Hold(t.Context())
		if err != nil || at() != 5 {
			t.Fatalf("held after %v s: %v", at(), err)
		}
		second, err := c.Hold(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(5 * time.Second)
			first()
			time.Sleep(5 * time.Second)
			second()
		}()
		waits := 0
		if err := c.enter(t.Context(), func() { waits++ }); err != nil || at() != 15 || waits != 1 {
			t.Errorf("a load began after %v s and %d words: %v", at(), waits, err)
		}
		c.leave()
	})
}

// TestHoldEnds: a hold that nobody waits for any more holds nothing, and a load that nobody waits
// for any more is not under way.
func TestHoldEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewCadence(0)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.enter(t.Context(), func() {}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Hold(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("held while a load is under way: %v", err)
		}
		if err := c.enter(t.Context(), func() { t.Error("it waits for nobody") }); err != nil {
			t.Fatal(err)
		}
		c.leave()
		c.leave()
		release, err := c.Hold(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		short, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.enter(short, func() {}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a load began under a hold: %v", err)
		}
		release()
		if release, err = c.Hold(t.Context()); err != nil {
			t.Fatal(err)
		}
		release()
	})
}

// TestCalm: who loads beside the table waits until no load of it is under way, or ten have ended.
func TestCalm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, began := NewCadence(0), time.Now()
		at := func() float64 { return time.Since(began).Seconds() }
		enter := func() {
			if err := c.enter(t.Context(), func() { t.Error("it waits, and nobody holds the table") }); err != nil {
				t.Error(err)
			}
		}
		calm := func(until float64, words int) {
			t.Helper()
			waits := 0
			if err := c.calm(t.Context(), func() { waits++ }); err != nil || at() != until || waits != words {
				t.Errorf("calm after %v s and %d words, not %v and %d: %v", at(), waits, until, words, err)
			}
		}
		calm(0, 0)
		enter()
		go func() {
			time.Sleep(5 * time.Second)
			c.leave()
		}()
		calm(5, 1)
		enter()
		go func() { // another shard's load always goes on when one ends
			for range 20 {
				time.Sleep(time.Second)
				enter()
				c.leave()
			}
			c.leave()
		}()
		calm(5+patience, 1)
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := c.calm(short, func() {}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nobody waits, and it was calm: %v", err)
		}
		time.Sleep(time.Minute)
	})
}
