package clickhouse_test

import (
	"testing"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/services/devstack/clickhouse"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestServer starts a server, where HEFU_TEST_CLICKHOUSE is "launch", kills it, finds its
// table again, and stops it.
func TestServer(t *testing.T) {
	dir := t.TempDir()
	addr, s, err := clickhouse.ForTests(t.Context(), dir)
	if clickhouse.Skips(err) {
		t.Skipf("SKIPPED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if s == nil {
		t.Skipf("SKIPPED: the server at %s is not to be killed", addr)
	}
	ask := func(q string, into ...proto.ResultColumn) {
		t.Helper()
		c, err := ch.Dial(t.Context(), ch.Options{Address: s.Addr(), ProtocolVersion: 54031})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		query := ch.Query{Body: q}
		if len(into) > 0 {
			query.Result = proto.Results(into)
		}
		if err := c.Do(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	ask("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if s, err = clickhouse.Start(t.Context(), dir, s.Port()); err != nil {
		t.Fatal(err)
	}
	var n proto.ColUInt64
	ask("SELECT count() AS n FROM t", proto.ResultColumn{Name: "n", Data: &n})
	if err := s.Stop(); err != nil || n[0] != 0 {
		t.Errorf("%d rows, stopped with %v", n[0], err)
	}
}

// TestNotAsked: without the variable nothing is started.
func TestNotAsked(t *testing.T) {
	t.Setenv("HEFU_TEST_CLICKHOUSE", "")
	if _, _, err := clickhouse.ForTests(t.Context(), t.TempDir()); !clickhouse.Skips(err) {
		t.Error(err)
	}
	t.Setenv("HEFU_TEST_CLICKHOUSE", "host:9000")
	if addr, own, err := clickhouse.ForTests(t.Context(), t.TempDir()); addr != "host:9000" || err != nil || own != nil {
		t.Errorf("%s, %v", addr, err)
	}
}
