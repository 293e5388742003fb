package realkafka

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestBroker takes some 30 s and a JVM, and so runs only where the tests are to
// meet a real broker at all. It starts one of its own.
func TestBroker(t *testing.T) {
	if os.Getenv("HEFU_TEST_KAFKA") == "" {
		t.Skip("HEFU_TEST_KAFKA is not set")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c := Config{Dir: t.TempDir(), Heap: "256m", Features: []string{"transaction.version=0"}, Extra: map[string]string{"message.max.bytes": "1234567"}}

	b := start(ctx, t, c)
	addr := b.Addr()
	cl := dial(t, addr)
	if err := kafkaconn.EnsureTopic(ctx, cl, "rows", 1, nil); err != nil {
		t.Fatal(err)
	}
	topic, err := kafkaconn.Describe(ctx, cl, "rows")
	if err != nil || topic.MaxMessageBytes != 1234567 {
		t.Errorf("extra settings: %+v, %v", topic, err)
	}
	if v, err := kafkaconn.TransactionVersion(ctx, cl); err != nil || v != 0 {
		t.Errorf("transaction.version %d, %v; formatted with 0", v, err)
	}
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: "rows", Value: []byte("kept")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(ctx, c); err == nil || !strings.Contains(err.Error(), "already runs") {
		t.Errorf("a second one in the same directory: %v", err)
	}

	if err := b.Kill(); err != nil {
		t.Fatal(err)
	}
	refuses(t, addr)
	if _, err := Find(c.Dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("after kill: %v", err)
	}

	if b = start(ctx, t, c); b.Addr() != addr {
		t.Errorf("came back at %s, was at %s", b.Addr(), addr)
	}
	bounds, err := kafkaconn.Offsets(ctx, cl, "rows")
	if err != nil || bounds[0].HighWatermark != 1 {
		t.Errorf("after a hard kill: %+v, %v; want the row", bounds, err)
	}

	found, err := Find(c.Dir)
	if err != nil || found.PID() != b.PID() || found.Addr() != addr {
		t.Fatalf("found %+v, %v; want %+v", found, err, b)
	}
	if err := found.Stop(); err != nil {
		t.Fatal(err)
	}
	refuses(t, addr)
	if err := b.Stop(); err != nil {
		t.Errorf("stopped already: %v", err)
	}
}

func TestStartEndsWithTheBroker(t *testing.T) {
	if os.Getenv("HEFU_TEST_KAFKA") == "" {
		t.Skip("HEFU_TEST_KAFKA is not set")
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	_, err = Start(t.Context(), Config{Dir: dir, Heap: "256m", Port: taken.Addr().(*net.TCPAddr).Port})
	if err == nil || !strings.Contains(err.Error(), "the broker ended") || !strings.Contains(err.Error(), "Address already in use") {
		t.Errorf("port taken: %v", err)
	}
	if _, err := Find(dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a broker is left: %v", err)
	}
}

func start(ctx context.Context, t *testing.T, c Config) *Broker {
	t.Helper()
	b, err := Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Kill() })
	return b
}

func dial(t *testing.T, addr string) *kgo.Client {
	t.Helper()
	cl, err := kafkaconn.Dial(kafkaconn.Config{Brokers: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func refuses(t *testing.T, addr string) {
	t.Helper()
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Errorf("%s still listens", addr)
	}
}
