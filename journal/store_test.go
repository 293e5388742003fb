package journal_test

import (
	"os"
	"testing"

	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/journaltest"
)

func TestMemoryKeepsTheContract(t *testing.T) {
	journaltest.Run(t, func(*testing.T) journal.Store {
		m := journal.NewMemory()
		m.MaxEvent = 1 << 20
		return m
	})
}

func TestJetStreamKeepsTheContract(t *testing.T) {
	store, _ := openStore(t)
	journaltest.Run(t, func(*testing.T) journal.Store { return store })
}

// HEFU_TEST_NATS is the address of a NATS with JetStream, run by itself.
func TestExternalJetStreamKeepsTheContract(t *testing.T) {
	address := os.Getenv("HEFU_TEST_NATS")
	if address == "" {
		t.Skip("HEFU_TEST_NATS is not set")
	}
	store := newStore(t, dial(t, address), 1)
	journaltest.Run(t, func(*testing.T) journal.Store { return store })
}
