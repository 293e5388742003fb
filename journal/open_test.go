package journal_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

func manifest(t *testing.T, path string) *journal.FileManifest {
	t.Helper()
	m, err := journal.OpenManifest(path)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestEveryStreamBeginsWithGenesisOfTheSameJournal(t *testing.T) {
	m := journal.NewMemory()
	j := open(t, m)
	take(t, j, shard(domain.LegIngest), 5)
	again := open(t, m)
	if again.ID() != j.ID() || j.ID() == (domain.JournalID{}) {
		t.Fatalf("ids %s and %s", j.ID(), again.ID())
	}
	if other := open(t, journal.NewMemory()); other.ID() == j.ID() {
		t.Fatal("another store holds a journal with the same id")
	}
	for _, s := range []domain.Stream{domain.ControlStream(pipeline), shard(domain.LegIngest)} {
		e := get(t, again, s, 1)
		genesis, ok := e.Event.(*domain.Genesis)
		if !ok || genesis.Pipeline != pipeline || genesis.Created == 0 || !e.Prev.IsZero() || e.Journal != j.ID() {
			t.Errorf("%s begins with %+v %+v", s, e, e.Event)
		}
	}
}

func TestLosersOfTheRaceAdoptTheJournal(t *testing.T) {
	store, _ := openStore(t)
	for name, store := range map[string]journal.Store{"memory": journal.NewMemory(), "jetstream": store} {
		t.Run(name, func(t *testing.T) {
			ids := make([]domain.JournalID, 6)
			var all sync.WaitGroup
			for i := range ids {
				all.Go(func() {
					j, err := journal.Open(t.Context(), pipeline, journal.Options{Store: store})
					if err != nil {
						t.Error(err)
						return
					}
					ids[i] = j.ID()
				})
			}
			all.Wait()
			if len(slices.Compact(ids)) != 1 {
				t.Fatalf("journals %v", ids)
			}
			j := open(t, store)
			if events := chain(t, j, domain.ControlStream(pipeline)); len(events) != 1 || events[0].Journal != ids[0] {
				t.Fatalf("control holds %v", kinds(events))
			}
		})
	}
}

func TestMissingStreamsAreNeverMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "manifest.json")
	m, hub := journal.NewMemory(), shard(domain.LegHub)
	j := openWith(t, journal.Options{Store: m, Manifest: manifest(t, path)})
	take(t, j, hub, 5)

	known := manifest(t, path) // as the next process reads it
	if id, ok := known.Journal(pipeline); !ok || id != j.ID() || !known.HasStream(hub) || known.HasStream(shard(domain.LegDoris)) {
		t.Fatalf("manifest: %s %v", id, ok)
	}
	if _, err := journal.Open(t.Context(), pipeline, journal.Options{Store: journal.NewMemory(), Manifest: known}); !errors.Is(err, journal.ErrMissing) {
		t.Fatalf("open of an empty store: %v", err)
	}
	m.Truncate(hub, 1)
	again := openWith(t, journal.Options{Store: m, Manifest: known})
	if _, err := again.Takeover(t.Context(), hub, 6, 1); !errors.Is(err, journal.ErrMissing) {
		t.Fatalf("takeover of a stream that is gone: %v", err)
	}
	if events := chain(t, again, hub); len(events) != 0 {
		t.Fatalf("made anew: %v", kinds(events))
	}
	take(t, again, shard(domain.LegDoris), 6) // which never was
}

func TestAnotherJournalIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "manifest.json")
	openWith(t, journal.Options{Store: journal.NewMemory(), Manifest: manifest(t, path)})
	other := journal.NewMemory()
	open(t, other)
	_, err := journal.Open(t.Context(), pipeline, journal.Options{Store: other, Manifest: manifest(t, path)})
	if !errors.Is(err, journal.ErrAnotherJournal) {
		t.Fatal(err)
	}
}

// The process died after Genesis and before the manifest was written.
func TestStreamsThatTheManifestDoesNotKnowAreAdopted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "manifest.json")
	m := journal.NewMemory()
	made := open(t, m)
	j := openWith(t, journal.Options{Store: m, Manifest: manifest(t, path)})
	if id, ok := manifest(t, path).Journal(pipeline); !ok || id != made.ID() || j.ID() != id {
		t.Fatalf("adopted %s, manifest says %s %v, want %s", j.ID(), id, ok, made.ID())
	}
}

func TestManifestRemembersOnlyWhatIsOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	m := manifest(t, filepath.Join(dir, "manifest.json"))
	s := domain.ControlStream(pipeline)
	for range 2 {
		if err := m.Record(domain.JournalID{1}, s); err == nil {
			t.Fatal("recorded into a directory that is not there")
		}
		if m.HasStream(s) {
			t.Fatal("a stream counts as recorded that is not on disk")
		}
	}
}

func TestDamagedManifestIsRefused(t *testing.T) {
	for _, text := range []string{"", "null", "{", `{"p":{"journal":"xyz"}}`} {
		path := filepath.Join(t.TempDir(), "manifest.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := journal.OpenManifest(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
