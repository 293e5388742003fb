package journal_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

var update = flag.Bool("update", false, "write the golden files anew")

// encode gives the stored bytes of an event as the tests store it.
func encode(ev domain.Event) ([]byte, domain.Hash) {
	parts, hash := journal.Encode(filled[domain.JournalID](0xa0), shard(domain.LegHub), 1234, filled[domain.Hash](0xc0), 1_785_000_000_123_456, ev)
	return bytes.Join(parts, nil), hash
}

// What is once stored is read for ever: a golden file never changes. A kind whose
// body changes gets a new kind version and a file beside the old one.
func TestStoredFormIsGolden(t *testing.T) {
	for _, ev := range fullEvents() {
		t.Run(string(ev.Kind()), func(t *testing.T) {
			stored, hash := encode(ev)
			path := filepath.Join("testdata", string(ev.Kind())+".golden")
			if *update {
				writeGolden(t, path, stored)
			}
			golden := readGolden(t, path)
			if !bytes.Equal(stored, golden) {
				t.Fatalf("stored form is\n%x, golden is\n%x", stored, golden)
			}
			e, err := journal.Decode(golden)
			if err != nil {
				t.Fatal(err)
			}
			want := &journal.Entry{
				Journal: filled[domain.JournalID](0xa0), Stream: shard(domain.LegHub), Seq: 1234,
				Prev: filled[domain.Hash](0xc0), At: 1_785_000_000_123_456, Hash: hash, Size: len(golden), Event: ev,
			}
			if !reflect.DeepEqual(e, want) {
				t.Fatalf("decoded\n%+v\nwant\n%+v", e.Event, ev)
			}
		})
	}
}

func writeGolden(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, hexLines(b), 0o644); err != nil {
		t.Fatal(err)
	}
}

func hexLines(b []byte) (out []byte) {
	for len(b) > 0 {
		n := min(32, len(b))
		out = append(hex.AppendEncode(out, b[:n]), '\n')
		b = b[n:]
	}
	return out
}

func readGolden(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return b
}
