package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/durable"
)

// FileManifest is a Manifest in a small JSON file beside the data. It is written
// only after the stream's first event is durable: if the process dies between, the
// next one finds the stream and adopts it.
type FileManifest struct {
	path string
	mu   sync.Mutex
	data map[string]manifestJournal // by pipeline
}

type manifestJournal struct {
	Journal string   `json:"journal"`
	Streams []string `json:"streams"`
}

// OpenManifest reads the manifest file, which need not exist yet.
func OpenManifest(path string) (*FileManifest, error) {
	m := &FileManifest{path: path, data: map[string]manifestJournal{}}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	if err := json.Unmarshal(b, &m.data); err != nil {
		return nil, fmt.Errorf("read manifest %s: %w", path, err)
	}
	if m.data == nil { // the file says null
		return nil, fmt.Errorf("read manifest %s: it holds no journals; put it back from a copy", path)
	}
	for pipeline, j := range m.data {
		if _, err := domain.ParseJournalID(j.Journal); err != nil {
			return nil, fmt.Errorf("read manifest %s: pipeline %s: %w", path, pipeline, err)
		}
	}
	return m, nil
}

// Journal implements Manifest.
func (m *FileManifest) Journal(pipeline string) (domain.JournalID, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j, ok := m.data[pipeline]
	if !ok {
		return domain.JournalID{}, false
	}
	id, err := domain.ParseJournalID(j.Journal)
	return id, err == nil
}

// HasStream implements Manifest.
func (m *FileManifest) HasStream(s domain.Stream) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Contains(m.data[s.Pipeline].Streams, s.String())
}

// Record implements Manifest.
func (m *FileManifest) Record(id domain.JournalID, s domain.Stream) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	j := m.data[s.Pipeline]
	if j.Journal == id.String() && slices.Contains(j.Streams, s.String()) {
		return nil
	}
	j.Journal = id.String()
	j.Streams = append(slices.Clone(j.Streams), s.String())
	data := maps.Clone(m.data)
	data[s.Pipeline] = j
	b, err := json.MarshalIndent(data, "", "  ")
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if err := durable.ReplaceFile(m.path, append(b, '\n')); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	m.data = data // only now: what is not on disk is not remembered
	return nil
}
