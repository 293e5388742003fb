package proof_test

import (
	"math/big"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

func newWindow(offset int64) domain.Window {
	return domain.Window{Proof: domain.ProofCityHub, Source: "nanjing", Generation: 1, Index: offset / domain.WindowSize}
}

// slow makes a vector the long way.
func slow(offsets, digests []int64) (v domain.Vector) {
	if len(offsets) == 0 {
		return v
	}
	seen := map[int64]bool{}
	sum, sumOfDigests := new(big.Int), new(big.Int)
	for i, o := range offsets {
		seen[o] = true
		sum.Add(sum, big.NewInt(o))
		sumOfDigests.Add(sumOfDigests, big.NewInt(digests[i]))
		v.Xor ^= uint64(digests[i])
	}
	v.Rows, v.Distinct = int64(len(offsets)), int64(len(seen))
	v.Min, v.Max = slices.Min(offsets), slices.Max(offsets)
	v.Offsets, _ = domain.ParseSum(sum.String())
	v.Digest, _ = domain.ParseSum(sumOfDigests.String())
	return v
}

// TestTally: the vector is exact at any time, in whatever order rows come and come again.
func TestTally(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.Int64Range(0, 1<<62).Draw(t, "base")
		var tally proof.Tally
		var offsets, digests []int64
		next := base
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			var run []int64
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0: // in order
				for range rapid.IntRange(1, 100).Draw(t, "n") {
					run = append(run, next)
					next++
				}
			case 1: // with holes, more than there are runs for
				for range rapid.IntRange(1, 700).Draw(t, "n") {
					run = append(run, next)
					next += 2
				}
			case 2: // again
				if len(offsets) > 0 {
					run = append(run, rapid.SampledFrom(offsets).Draw(t, "again"))
				}
			case 3: // anywhere
				run = append(run, base+rapid.Int64Range(0, 1<<18).Draw(t, "anywhere"))
			}
			for _, o := range run {
				d := rapid.Int64().Draw(t, "digest")
				if o%2 == 0 {
					d = o * 0x9E3779B97F4A7C1
				}
				offsets, digests = append(offsets, o), append(digests, d)
				tally.AddDigest(o, d)
			}
			if got, want := tally.Vector(), slow(offsets, digests); got != want {
				t.Fatalf("got  %+v\nwant %+v", got, want)
			}
		}
	})
}

// TestJoin: the vector of two parts is that of the whole.
func TestJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offsets := rapid.SliceOfN(rapid.Int64Range(0, 99), 0, 50).Draw(t, "offsets")
		cut := rapid.Int64Range(0, 100).Draw(t, "cut")
		var all, low, high proof.Tally
		for i, o := range offsets {
			d := int64(i) * -0x61C8864680B583EB
			all.AddDigest(o, d)
			if o < cut {
				low.AddDigest(o, d)
			} else {
				high.AddDigest(o, d)
			}
		}
		if got := proof.Join(low.Vector(), high.Vector()); got != all.Vector() {
			t.Fatalf("got  %+v\nwant %+v", got, all.Vector())
		}
		if got := proof.Join(high.Vector(), low.Vector()); got != all.Vector() {
			t.Fatalf("the other way round: %+v", got)
		}
	})
}

// TestTalliesMemory: 10,000,000 rows of 156 windows, none of which is in order, need 8 KiB a
// window; in order they need next to nothing.
func TestTalliesMemory(t *testing.T) {
	const lanes = 13
	for _, c := range []struct {
		name       string
		rows       int64
		disordered int64
		most       int64
	}{{"in order", 2_000_000, 0, 256 << 10}, {"not in order", 10_000_000, 1, 2 << 20}} {
		if underRace {
			c.rows /= 10
		}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&before)
		tallies := proof.Tallies{}
		r := proof.Row{}
		for i := range c.rows {
			if r.Offset = i / lanes; isMarker(r.Offset) || isMarker(r.Offset^1) {
				continue
			}
			r.Offset ^= c.disordered
			w := newWindow(r.Offset)
			w.Partition = int32(i % lanes)
			if err := tallies.Add(w, &r); err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&after)
		windows, distinct, all := 0, int64(0), int64(0)
		tallies.Windows(func(_ domain.Window, v domain.Vector) {
			windows++
			distinct += v.Distinct
			all += v.Rows
		})
		held := int64(after.HeapAlloc) - int64(before.HeapAlloc)
		t.Logf("%s: %d rows, %d windows: %d KiB", c.name, all, windows, held>>10)
		if all < c.rows*99/100 || all != distinct || held > c.most {
			t.Errorf("%s: %d rows, %d distinct in %d windows hold %d bytes", c.name, all, distinct, windows, held)
		}
		runtime.KeepAlive(&tallies)
	}
}

// TestFull: a window of which every offset was seen knows a copy as a copy, with no bits left.
func TestFull(t *testing.T) {
	var tally proof.Tally
	for o := range int64(domain.WindowSize) {
		tally.AddDigest(o^1, 1)
	}
	for _, o := range []int64{0, 7, domain.WindowSize - 1} {
		tally.AddDigest(o, 1)
	}
	if v := tally.Vector(); v.Rows != domain.WindowSize+3 || v.Distinct != domain.WindowSize {
		t.Errorf("%d rows, %d distinct", v.Rows, v.Distinct)
	}
}

// TestTalliesClose: a window that is closed keeps its vector and takes no more rows.
func TestTalliesClose(t *testing.T) {
	tallies := proof.Tallies{Mask: proof.All}
	r := golden()
	for r.Offset = range int64(3) {
		if err := tallies.Add(newWindow(r.Offset), &r); err != nil {
			t.Fatal(err)
		}
	}
	w := newWindow(0)
	if v := tallies.Close(w); v.Rows != 3 || v != tallies.Vector(w) || v != tallies.Close(w) {
		t.Errorf("%+v, then %+v", v, tallies.Vector(w))
	}
	if err := tallies.Add(w, &r); err == nil || err.Error() != "nanjing/1 partition 0 [0,65536): a row at offset 2 after the window was closed" {
		t.Errorf("a row of a closed window: %v", err)
	}
	if v := tallies.Vector(newWindow(1 << 30)); v != (domain.Vector{}) {
		t.Errorf("a window without rows: %+v", v)
	}
}
