package archive_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/archive"
	"github.com/hefu-io/hefu/journal/journaltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// With an archive behind it a store is still one, also where control was never written.
func TestStoreKeepsTheContract(t *testing.T) {
	journaltest.Run(t, func(t *testing.T) journal.Store {
		m := journal.NewMemory()
		m.MaxEvent = 1 << 20
		return archive.New(m, local(t))
	})
}

func local(t *testing.T) archive.Place {
	t.Helper()
	l, err := archive.OpenLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return l
}
