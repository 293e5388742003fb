package checkpoint_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/checkpoint"
)

func newKey(t testing.TB) (*checkpoint.Key, note.Verifier) {
	t.Helper()
	k, made, err := checkpoint.OpenKey(filepath.Join(t.TempDir(), "hefu.key"))
	if err != nil || !made {
		t.Fatalf("made %v, %v", made, err)
	}
	v, err := note.NewVerifier(k.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	return k, v
}

func refAt(name string, seq domain.Seq) domain.Ref {
	s, err := domain.ParseStream(name)
	if err != nil {
		panic(err)
	}
	return domain.Ref{Stream: s, Seq: seq, Hash: event(int64(seq))}
}

var journalID = domain.JournalID{1, 2, 3}

func kept(t testing.TB, k *checkpoint.Key, ref domain.Ref) checkpoint.Kept {
	t.Helper()
	text, err := checkpoint.Sign(k, journalID, ref, event(int64(ref.Seq)+1000))
	if err != nil {
		t.Fatal(err)
	}
	return checkpoint.Kept{Key: k.VerifierKey(), Head: checkpoint.Head{Journal: journalID, Ref: ref, Root: event(int64(ref.Seq) + 1000), Note: text}}
}

// TestNote: what is signed is what C2SP's tlog-checkpoint says, one extension line with it.
func TestNote(t *testing.T) {
	k, v := newKey(t)
	h := kept(t, k, refAt("p.0.ingest", 42))
	const want = "hefu.io/journal/01020300000000000000000000000000/p.0.ingest\n42\nAAAAAAAABBIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAc=\n" +
		"event 000000000000002a000000000000000000000000000000000000000000000007\n\n— hefu.io/journal "
	if !strings.HasPrefix(h.Note, want) {
		t.Errorf("note is %s", h.Note)
	}
	got, err := checkpoint.Parse(h.Note, v)
	if err != nil || got != h.Head {
		t.Errorf("parsed %+v, %v", got, err)
	}
	_, stranger := newKey(t)
	for _, list := range [][]note.Verifier{nil, {stranger}} {
		if _, err := checkpoint.Parse(h.Note, list...); err == nil {
			t.Error("nobody vouches for it, and it was taken")
		}
	}
	for i := range len(h.Note) {
		b := []byte(h.Note)
		b[i] ^= 1
		if _, err := checkpoint.Parse(string(b), v); err == nil {
			t.Errorf("byte %d may be another one: %q", i, b)
		}
	}
}

// TestOtherNotes: what the same key signs, and is no checkpoint of Hefu.
func TestOtherNotes(t *testing.T) {
	k, v := newKey(t)
	const origin, root, last = "hefu.io/journal/01020300000000000000000000000000/p.0.ingest\n", "AAAAAAAABBIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAc=\n", "event 000000000000002a000000000000000000000000000000000000000000000007\n"
	for _, text := range []string{
		"a report\n", origin + "42\n" + root, origin + "042\n" + root + last, origin + "+42\n" + root + last, origin + "0\n" + root + last, origin + "-1\n" + root + last,
		"example.com/log\n42\n" + root + last, origin + "42\n" + root + "x" + last, origin + "42\n" + root + last + "more\n", strings.Replace(origin, "ingest", "x", 1) + "42\n" + root + last,
		origin + "42\nAAAA\n" + root + last,
	} {
		b, err := note.Sign(&note.Note{Text: text}, k)
		if err != nil {
			t.Fatal(err)
		}
		if h, err := checkpoint.Parse(string(b), v); err == nil {
			t.Errorf("%q is %+v", text, h)
		}
	}
}

// TestKeyIsMadeOnce: of many that make it at once one wins, and all have its key.
func TestKeyIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "hefu.key")
	var wg sync.WaitGroup
	var mu sync.Mutex
	keys, makers := map[string]bool{}, 0
	for range 8 {
		wg.Go(func() {
			k, made, err := checkpoint.OpenKey(path)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			keys[k.VerifierKey()] = true
			if made {
				makers++
			}
		})
	}
	wg.Wait()
	if len(keys) != 1 || makers != 1 {
		t.Errorf("%d keys, made %d times", len(keys), makers)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	public, err := os.ReadFile(path + ".pub")
	if err != nil || !keys[strings.TrimSpace(string(public))] {
		t.Errorf("public key %q, %v", public, err)
	}
	list, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(list) != 2 {
		t.Errorf("left behind: %v, %v", list, err)
	}
	if err := os.WriteFile(path+".pub", []byte("another one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, made, err := checkpoint.OpenKey(path); made || err != nil {
		t.Errorf("made %v, %v", made, err)
	}
	if again, err := os.ReadFile(path + ".pub"); err != nil || !bytes.Equal(again, public) {
		t.Errorf("public key %q, %v", again, err)
	}
}

// TestManyKeys: the public half fits the key, whatever bytes it has.
func TestManyKeys(t *testing.T) {
	for range 64 {
		k, v := newKey(t)
		if _, err := checkpoint.Parse(kept(t, k, refAt("p.control", 1)).Note, v); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBrokenKey: a key that is none is never replaced, and never said.
func TestBrokenKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hefu.key")
	if _, _, err := checkpoint.OpenKey(path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "PRIVATE+KEY+x", string(b[:len(b)-9])} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := checkpoint.OpenKey(path)
		if err == nil || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%q: %v", text, err)
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != text {
			t.Errorf("the file is %q, %v", now, err)
		}
	}
}

// TestFile: the newest head of each stream, of several keys; each byte counts.
func TestFile(t *testing.T) {
	path := checkpoint.FilePath(t.TempDir())
	f := openFile(t, path)
	if len(f.Heads()) != 0 {
		t.Error("an empty file has heads")
	}
	k, _ := newKey(t)
	other, _ := newKey(t)
	a, b, c := kept(t, k, refAt("p.0.ingest", 5)), kept(t, other, refAt("p.control", 7)), kept(t, k, refAt("p.0.ingest", 9))
	for _, h := range []checkpoint.Kept{a, b, c} {
		if err := f.Put(h); err != nil {
			t.Fatal(err)
		}
	}
	holds(t, path, c, b)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1
		if err := os.WriteFile(path, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := checkpoint.OpenFile(path)
		var damaged *checkpoint.DamagedError
		if err == nil && (len(f.Heads()) != 2 || f.Heads()[0] != c || f.Heads()[1] != b) || err != nil && !errors.As(err, &damaged) {
			t.Errorf("byte %d, %q, may be another one: %v", i, whole[max(0, i-10):i+1], err)
		}
	}
}

func openFile(t *testing.T, path string) *checkpoint.File {
	t.Helper()
	f, err := checkpoint.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func holds(t *testing.T, path string, want ...checkpoint.Kept) {
	t.Helper()
	got := openFile(t, path).Heads()
	if len(got) != len(want) {
		t.Fatalf("%d heads, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("head %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}

// TestFileThatIsNotWritten: a write that failed, and did or did not happen, leaves the old
// heads or the new ones, and the next write has both.
func TestFileThatIsNotWritten(t *testing.T) {
	for _, happened := range []bool{false, true} {
		path := checkpoint.FilePath(t.TempDir())
		f := openFile(t, path)
		k, _ := newKey(t)
		a, b := kept(t, k, refAt("p.0.ingest", 5)), kept(t, k, refAt("p.0.ingest", 9))
		if err := f.Put(a); err != nil {
			t.Fatal(err)
		}
		f.Replace(func(path string, b []byte) error {
			if happened {
				if err := os.WriteFile(path, b, 0o600); err != nil {
					return err
				}
			}
			return errDisk
		})
		if err := f.Put(b); !errors.Is(err, errDisk) {
			t.Errorf("put: %v", err)
		}
		if happened {
			holds(t, path, b)
		} else {
			holds(t, path, a)
		}
		f.Replace(func(path string, b []byte) error { return os.WriteFile(path, b, 0o600) })
		if err := f.Put(kept(t, k, refAt("p.control", 2)), b); err != nil {
			t.Fatal(err)
		}
		holds(t, path, b, kept(t, k, refAt("p.control", 2)))
	}
}

func BenchmarkSign(b *testing.B) {
	k, _ := newKey(b)
	ref := refAt("p.0.ingest", 42)
	for b.Loop() {
		if _, err := checkpoint.Sign(k, journalID, ref, event(1)); err != nil {
			b.Fatal(err)
		}
	}
}
