package doris_test

import (
	"bufio"
	"database/sql"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-sql-driver/mysql"
)

var (
	simSchedules = flag.Int("schedules", 0, "how many schedules TestSim runs; 0: 500, with -short 100")
	simSeed      = flag.Uint64("seed", 1, "the seed of the first one; the others follow it")
)

// TestSim runs the Doris leg against the stand-in under schedules made from seeds:
// crashes, zombies, restarts, lost replies, forgotten labels, at random moments of
// virtual time. In the end the table holds what the journal says, exactly. Seeds that
// once failed run first.
func TestSim(t *testing.T) {
	simulateAll(t, 500, simKept(t), false)
}

// TestSimDirect is TestSim for a leg whose source is the hub topic itself.
func TestSimDirect(t *testing.T) { simulateAll(t, 100, nil, true) }

func simulateAll(t *testing.T, n int, kept []uint64, direct bool) {
	switch {
	case *simSchedules > 0:
		n = *simSchedules
	case testing.Short():
		n /= 5
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // each schedule leaves little behind, and is half as long so
	all := &simTotals{began: time.Now(), n: map[string]int{}}
	var seeds []uint64
	if *simSchedules != 1 {
		seeds = kept
	}
	for i := range n {
		seeds = append(seeds, *simSeed+uint64(i))
	}
	var taken atomic.Int64
	t.Run("seeds", func(t *testing.T) {
		password := passwordFile(t, password)
		for i := range max(1, runtime.GOMAXPROCS(0)) {
			t.Run(fmt.Sprint("of worker ", i), func(t *testing.T) {
				t.Parallel()
				dir := simDir(t)
				for {
					i := int(taken.Add(1)) - 1
					if i >= len(seeds) {
						return
					}
					plan := newSimPlan(seeds[i])
					plan.direct = direct
					simulate(t, plan, filepath.Join(dir, fmt.Sprint(i)), password, all)
				}
			})
		}
	})
	t.Log(all)
}

// simulate runs one schedule in a bubble.
func simulate(t *testing.T, plan *simPlan, dir, password string, all *simTotals) {
	// A goroutine that hangs outside virtual time would hang the test without a word.
	late := time.AfterFunc(5*time.Minute, func() { panic(fmt.Sprintf("the clock stands still in %s", plan)) })
	defer late.Stop()
	defer os.RemoveAll(dir)
	var s *sim
	synctest.Test(t, func(t *testing.T) {
		s = newSim(t, plan, dir, password)
		s.prepare()
		s.run()
	})
	all.add(s)
	if len(s.failures) > 0 {
		t.Error(s.report()) // in the bubble it would end the worker
	}
}

// prepare makes database and table.
func (s *sim) prepare() {
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.DialFunc = "root", "tcp", simSQL, s.net.host().Dial
	connector, err := mysql.NewConnector(c)
	must(s.t, err)
	db := sql.OpenDB(connector)
	defer db.Close()
	for _, q := range []string{"CREATE DATABASE " + database, s.ddl()} {
		_, err := db.ExecContext(s.ctx, q)
		must(s.t, err)
	}
}

// simDir is where the stand-ins of a worker keep their files: in memory, if the system
// has such a place.
func simDir(t *testing.T) string {
	if dir, err := os.MkdirTemp("/dev/shm", "hefu-sim-"); err == nil { //nolint:usetesting // t.TempDir is on a disk
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		return dir
	}
	return t.TempDir()
}

// simKept are the seeds that failed once.
func simKept(t *testing.T) (seeds []uint64) {
	f, err := os.Open("testdata/sim/seeds")
	must(t, err)
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text != "" {
			seed, err := strconv.ParseUint(text, 10, 64)
			must(t, err)
			seeds = append(seeds, seed)
		}
	}
	return seeds
}

// simTotals is what the schedules came to.
type simTotals struct {
	began time.Time

	mu  sync.Mutex
	all int
	n   map[string]int
}

func (a *simTotals) add(s *sim) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all++
	for what, n := range s.did {
		a.n[what] += n
	}
	if *simSchedules >= 10_000 && a.all%1000 == 0 {
		fmt.Fprintf(os.Stderr, "%d schedules, %s\n", a.all, time.Since(a.began).Truncate(time.Second))
	}
}

// String is the summary for people.
func (a *simTotals) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := func(prefix string) string {
		var all []string
		for _, what := range slices.Sorted(maps.Keys(a.n)) {
			if name, ok := strings.CutPrefix(what, prefix); ok && a.n[what] > 0 {
				all = append(all, fmt.Sprintf("%s %d", name, a.n[what]))
			}
		}
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%d schedules, %d batches, %d processes, %d label forgettings: %d lost, %d doubled, %d altered, %d stuck; %s\n"+
		"%d rows, %d left out, %d of them found by probes; %d loads aborted, %d decided by rows, %d orphans aborted, %d zombies fenced\n"+
		"what happened: %s\nfaults that hit: %s", a.all, a.n["batches"], a.n["processes"], a.n["! forget"],
		a.n["lost"], a.n["doubled"], a.n["altered"], a.n["stuck"], time.Since(a.began).Truncate(time.Millisecond),
		a.n["rows"], a.n["excluded"], a.n["found by probes"], a.n["aborted"], a.n["decided by rows"], a.n["orphans"], a.n["fenced"],
		list("! "), list("? "))
}
