package nats_test

import (
	"testing"

	client "github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/journal/embedded"
	"github.com/hefu-io/hefu/services/devstack/nats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestServer keeps a message over a restart, and takes an event of the largest size.
func TestServer(t *testing.T) {
	dir, addr := t.TempDir(), ""
	for start := range 2 {
		s, err := nats.Open(t.Context(), nats.Config{Dir: dir, Addr: addr})
		if err != nil {
			t.Fatal(err)
		}
		nc, err := client.Connect(s.URL())
		if err != nil {
			t.Fatal(err)
		}
		addr = nc.ConnectedAddr()
		if nc.MaxPayload() != embedded.MaxPayload {
			t.Errorf("takes %d bytes, the embedded one %d", nc.MaxPayload(), embedded.MaxPayload)
		}
		js, err := nc.JetStream()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.AddStream(&client.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
			t.Fatal(err)
		}
		if start == 0 {
			if _, err := js.Publish("s", make([]byte, embedded.MaxPayload-1024)); err != nil {
				t.Fatal(err)
			}
		}
		if m, err := js.GetMsg("S", 1); err != nil || len(m.Data) != embedded.MaxPayload-1024 {
			t.Errorf("start %d: the message is not there: %v", start, err)
		}
		nc.Close()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTakenAddress is told rather than waited for.
func TestTakenAddress(t *testing.T) {
	s, err := nats.Open(t.Context(), nats.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := nats.Open(t.Context(), nats.Config{Dir: t.TempDir(), Addr: s.URL()[len("nats://"):]}); err == nil {
		t.Fatal("a second server listens at the same address")
	}
}
