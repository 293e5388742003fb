package lineage_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/clickhouseconn"
	"github.com/hefu-io/hefu/projections/projectiontest"
	"github.com/hefu-io/hefu/services/devstack/clickhouse"
)

// realServer is the ClickHouse that HEFU_TEST_CLICKHOUSE asks for; own is nil for one that is
// not the test's to kill.
func realServer(t testing.TB) (addr, dir string, own *clickhouse.Server) {
	t.Helper()
	dir = t.TempDir()
	addr, own, err := clickhouse.ForTests(t.Context(), dir)
	if clickhouse.Skips(err) {
		t.Skipf("SKIPPED: %v", err)
	}
	must(t, err)
	if own != nil {
		t.Cleanup(func() {
			if err := own.Stop(); err != nil {
				said, _ := os.ReadFile(dir + "/log")
				t.Errorf("%v: %s", err, said)
			}
		})
	}
	return addr, dir, own
}

var databases atomic.Int64

// newRealWorld is a world of its own database at a server, reached through a wire whose
// faults are those of the contract.
func newRealWorld(t *testing.T, k kind, addr string) *world {
	t.Helper()
	w := newWorldAt(t, k, addr)
	w.cfg.Database = fmt.Sprintf("hefu_%d_%d", time.Now().UnixNano(), databases.Add(1))
	wire := newWire(t, w, addr)
	direct := w.cfg.Conn
	w.cfg.Conn.Dial = wire.dial
	t.Cleanup(func() {
		c, err := clickhouseconn.Open(context.Background(), direct)
		must(t, err)
		defer c.Close()
		must(t, c.Exec(context.Background(), "DROP DATABASE IF EXISTS "+clickhouseconn.Name(w.cfg.Database)))
	})
	return w
}

// TestRealServer: what every projection keeps, and every way of asking, at a real server.
func TestRealServer(t *testing.T) {
	addr, _, _ := realServer(t)
	projectiontest.Run(t, func(t *testing.T) projectiontest.World { return newRealWorld(t, kind{}, addr) })
	t.Run("lookups", func(t *testing.T) { newRealWorld(t, kind{}, addr).lookups() })
	t.Run("direct", func(t *testing.T) {
		w := newRealWorld(t, kind{direct: true}, addr)
		p := w.start()
		p.until(w.Feed())
		p.stop()
		w.Tally()
	})
	t.Run("sent again", func(t *testing.T) { newRealWorld(t, kind{hubOnly: true}, addr).sentAgain() })
}

// sentAgain: blocks that are there, and whose outcomes are not, are there once.
func (w *world) sentAgain() {
	w.t.Helper()
	for range 3 {
		w.Fail("insert", journal.FaultAfter) // the first of two: then both are sent again
		p := w.start()
		p.until(w.Feed())
		p.stop()
	}
	w.Tally()
	c, err := clickhouseconn.Open(w.ctx, w.cfg.Conn)
	must(w.t, err)
	defer c.Close()
	if n := w.raw(); n != len(w.want) && c.Deduplicates() || n < len(w.want) {
		w.t.Errorf("%s holds %d rows before its merges, want %d", c.Server(), n, len(w.want))
	} else {
		w.t.Logf("%s holds %d rows before its merges, of %d", c.Server(), n, len(w.want))
	}
}

// TestRealKills: the server is killed again and again under the load, and so is the leg; read
// with FINAL every row is there once.
func TestRealKills(t *testing.T) {
	addr, dir, s := realServer(t)
	if s == nil {
		t.Skipf("SKIPPED: the server at %s is not to be killed", addr)
	}
	w := newRealWorld(t, kind{}, addr)
	w.cfg.Batch.Rows = 5_000
	var at domain.Cursor
	p := w.start()
	for round := range 8 {
		for range 4 {
			w.clock += 1_000_000
			w.hub(plain("nanjing", 2_000), odd("wuxi"))
			w.hub(plain("wuxi", 1_500), broken("nanjing", 20))
			at = w.load()
		}
		pause := time.NewTimer(time.Duration(rand.IntN(120)) * time.Millisecond)
		<-pause.C // the load is somewhere
		if round%2 == 0 {
			must(t, s.Kill())
			again, err := clickhouse.Start(w.ctx, dir, s.Port())
			must(t, err)
			*s = *again
		} else {
			p.stop()
			p = w.start()
		}
	}
	p.until(at)
	p.stop()
	w.Tally()
	how, n := w.outcomes()
	t.Logf("%d rows of %d in %d blocks, %d of them found there; opened %d times", w.raw(), len(w.want), n[domain.KindLineageBegun],
		strings.Count(strings.Join(how, ","), "rows"), n[domain.KindOpened])
}
