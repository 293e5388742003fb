package embedded_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/journal/embedded"
)

// A bit flipped high up in a sequence is refused before the server sees it: it would note down
// every sequence up to there. The first record has none before it, the last none behind it.
func TestFarSequences(t *testing.T) {
	dir := t.TempDir()
	s, j := openAll(t, dir)
	write(t, j, 5, 1)
	closeServer(t, s)
	blocks, err := filepath.Glob(filepath.Join(dir, "nats", "jetstream", "*", "streams", "*", "msgs", "*.blk"))
	if err != nil || len(blocks) == 0 {
		t.Fatal(blocks, err)
	}
	for _, file := range blocks {
		sound, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var records []int
		for at := 0; at < len(sound); at += int(binary.LittleEndian.Uint32(sound[at:]) &^ (1 << 31)) {
			records = append(records, at)
		}
		for _, at := range []int{records[0], records[len(records)/2], records[len(records)-1]} {
			if len(records) < 2 {
				continue // nothing to hold it against
			}
			for _, bit := range []int{21, 33, 61} {
				harmed := append([]byte(nil), sound...)
				harmed[at+4+bit/8] ^= 1 << (bit % 8)
				if err := os.WriteFile(file, harmed, 0o600); err != nil {
					t.Fatal(err)
				}
				s, err := embedded.Open(t.Context(), dir)
				var damaged *embedded.DamagedError
				if !errors.As(err, &damaged) || damaged.File != file || !strings.Contains(err.Error(), "put a sound copy") {
					t.Errorf("%s, record at %d, bit %d: %v", filepath.Base(file), at, bit, err)
				}
				if err == nil {
					closeServer(t, s)
				}
			}
		}
		if err := os.WriteFile(file, sound, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	closeServer(t, openServer(t, dir))
}
