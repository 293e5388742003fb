package archive_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/archive"
)

// What a file says of itself, without Hefu.
func TestIndexIsForAuditors(t *testing.T) {
	w := newWorld(t, journal.NewMemory(), local(t))
	w.fill(3)
	g := w.sealed()[1]
	root := domain.Hash{7} // as if the tree were at hand
	a, err := w.store.Write(w.ctx, w.j, hubStream(), g[0], g[1], root)
	must(t, err)
	b, err := os.ReadFile(w.path(*a))
	must(t, err)
	end := b[len(b)-64:]
	at, n := binary.BigEndian.Uint64(end), binary.BigEndian.Uint64(end[8:])
	var ix archive.Index
	must(t, json.Unmarshal(b[at:at+n], &ix))
	before, err := w.j.Get(w.ctx, hubStream(), g[0]-1)
	must(t, err)
	want := archive.Index{
		Format: 1, Journal: w.j.ID(), Stream: hubStream(), First: g[0], Last: g[1], Prev: before.Hash, Hash: a.Last.Hash, Root: root,
		Bytes: ix.Bytes, Blocks: ix.Blocks,
	}
	got, _ := json.Marshal(ix)
	if need, _ := json.Marshal(want); !bytes.Equal(got, need) || ix.Bytes < segmentBytes || len(ix.Blocks) != 1 {
		t.Errorf("%s\nwant\n%s", got, need)
	}
	// And with zstd alone: the events, one after the other.
	z, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1))
	must(t, err)
	defer z.Close()
	all, err := io.ReadAll(z)
	must(t, err)
	for seq := g[0]; seq <= g[1]; seq++ {
		size, n := binary.Uvarint(all)
		stored, err := w.inner.Get(w.ctx, hubStream(), g[0], seq)
		must(t, err)
		if !bytes.Equal(all[n:n+int(size)], stored) {
			t.Errorf("event %d is another one", seq)
		}
		all = all[n+int(size):]
	}
	if a.File != archive.FileName(w.j.ID(), hubStream(), g[0]) || a.Bytes != int64(len(b)) || a.Last.Seq != g[1] {
		t.Errorf("%+v", a)
	}
}

// Each write has its pair of faults, and can be done again.
func TestPutFaults(t *testing.T) {
	place := &faulty{Place: local(t)}
	w := newWorld(t, journal.NewMemory(), place)
	w.fill(4)
	g := w.sealed()
	write := func(i int) (*domain.Archived, error) {
		return w.store.Write(w.ctx, w.j, hubStream(), g[i][0], g[i][1], domain.Hash{})
	}
	place.before = errInjected
	if _, err := write(0); !errors.Is(err, errInjected) {
		t.Errorf("did not happen: %v", err)
	}
	place.before, place.after = nil, errInjected
	first, err := write(0)
	if err != nil {
		t.Errorf("did happen: %v", err)
	}
	place.after = nil
	again, err := write(0)
	must(t, err)
	if *again != *first {
		t.Errorf("%+v, then %+v", first, again)
	}
	place.read = errInjected
	if _, err := write(1); !errors.Is(err, errInjected) {
		t.Errorf("not read back: %v", err)
	}
	place.read = nil
	if _, err := write(1); err != nil {
		t.Error(err)
	}
	// Dead while it wrote: what is left is in nobody's way, and goes with the next.
	dir := filepath.Dir(w.path(*first))
	left := filepath.Join(dir, filepath.Base(w.path(domain.Archived{File: archive.FileName(w.j.ID(), hubStream(), g[2][0])}))+".123.part")
	must(t, os.WriteFile(left, []byte("hefu seg"), 0o600))
	must(t, os.Chtimes(left, time.Time{}, time.Now().Add(-48*time.Hour)))
	_, err = write(2)
	must(t, err)
	list, err := os.ReadDir(dir)
	must(t, err)
	if len(list) != 3 {
		t.Errorf("files %v", list)
	}
}

// A file that is there is checked and never written over.
func TestNameThatIsTaken(t *testing.T) {
	w := newWorld(t, journal.NewMemory(), local(t))
	w.fill(3)
	g := w.sealed()[0]
	name := archive.FileName(w.j.ID(), hubStream(), g[0])
	path := w.path(domain.Archived{File: name})
	must(t, os.MkdirAll(filepath.Dir(path), 0o750))
	v := newWorld(t, journal.NewMemory(), local(t))
	v.fill(3)
	stranger, err := os.ReadFile(v.path(v.archive(v.sealed()[0][0], v.sealed()[0][1])))
	must(t, err)
	for what, b := range map[string][]byte{"garbage": []byte("garbage"), "empty": {}, "another journal": stranger} {
		must(t, os.WriteFile(path, b, 0o600))
		_, err := w.store.Write(w.ctx, w.j, hubStream(), g[0], g[1], domain.Hash{})
		w.refused(what, err, name, true)
		if now, _ := os.ReadFile(path); !bytes.Equal(now, b) {
			t.Errorf("%s was written over", what)
		}
	}
	must(t, os.Remove(path))
	a := w.archive(g[0], g[1])
	must(t, w.store.Verify(w.ctx, w.j, &a))
	// Rotten since: nothing is dropped for it.
	b, err := os.ReadFile(path)
	must(t, err)
	b[20] ^= 1
	w.spoilt(a, b, func() { w.refused("rotten", w.store.Verify(w.ctx, w.j, &a), name, true) })
	wrong := a
	wrong.Last.Hash[0] ^= 1
	var broken *journal.IntegrityError
	if err := w.store.Verify(w.ctx, w.j, &wrong); !errors.As(err, &broken) || !strings.Contains(err.Error(), "control says") {
		t.Error(err)
	}
}

// A segment that is not whole is not archived, and leaves no file.
func TestBrokenSegments(t *testing.T) {
	for name, spoil := range map[string]func(w *world, m *journal.Memory, g [2]domain.Seq){
		"an event was rewritten": func(w *world, m *journal.Memory, g [2]domain.Seq) {
			stored, err := m.Get(w.ctx, hubStream(), g[0], g[0]+2)
			must(w.T, err)
			stored[len(stored)-1] ^= 1
			must(w.T, m.Rewrite(hubStream(), g[0]+2, stored))
		},
		"an event is no event": func(w *world, m *journal.Memory, g [2]domain.Seq) {
			must(w.T, m.Rewrite(hubStream(), g[0]+2, []byte("garbage")))
		},
		"two events changed places": func(w *world, m *journal.Memory, g [2]domain.Seq) {
			stored, err := m.Get(w.ctx, hubStream(), g[0], g[0]+1)
			must(w.T, err)
			must(w.T, m.Rewrite(hubStream(), g[0]+2, stored))
		},
		"all was made anew from an event on": func(w *world, m *journal.Memory, g [2]domain.Seq) {
			w.append("the event after it vouches for it")
			w.forge(m, g, g[0]+2, hubStream(), &domain.HubAborted{Why: "another"})
		},
		"the last one was, and is a Rolled": func(w *world, m *journal.Memory, g [2]domain.Seq) {
			w.append("the event after it vouches for it")
			w.forge(m, g, g[1], hubStream(), &domain.Rolled{Owned: domain.Owned{Incarnation: 7}})
		},
		"the end is no Rolled": func(w *world, m *journal.Memory, g [2]domain.Seq) {
			w.forge(m, g, g[1], hubStream(), &domain.HubAborted{Why: "another"})
		},
		"an event is of another stream": func(w *world, m *journal.Memory, g [2]domain.Seq) {
			w.forge(m, g, g[0]+2, domain.Stream{Pipeline: pipeline, Leg: domain.LegDoris}, &domain.HubAborted{Why: "another"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := journal.NewMemory()
			w := newWorld(t, m, local(t))
			for len(w.stored()) < 3 { // the third segment is empty
				w.append("because")
			}
			g := w.sealed()[1]
			spoil(w, m, g)
			var broken *journal.IntegrityError
			if _, err := w.store.Write(w.ctx, w.j, hubStream(), g[0], g[1], domain.Hash{}); !errors.As(err, &broken) {
				t.Error(err)
			}
			if _, err := w.place.Size(w.ctx, archive.FileName(w.j.ID(), hubStream(), g[0])); !errors.Is(err, archive.ErrNoFile) {
				t.Errorf("a file was left: %v", err)
			}
			left, err := filepath.Glob(filepath.Join(w.place.String(), "*", "*", "*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// forge puts an event in the place of another and makes the chain right up to the end of
// the segment, as somebody does who has the store.
func (w *world) forge(m *journal.Memory, g [2]domain.Seq, at domain.Seq, s domain.Stream, ev domain.Event) {
	w.Helper()
	before, err := w.j.Get(w.ctx, hubStream(), at-1)
	must(w.T, err)
	prev := before.Hash
	for seq := at; seq <= g[1]; seq++ {
		if seq > at {
			stored, err := m.Get(w.ctx, hubStream(), g[0], seq)
			must(w.T, err)
			e, err := journal.Decode(stored)
			must(w.T, err)
			s, ev = hubStream(), e.Event
		}
		parts, hash := journal.Encode(w.j.ID(), s, seq, prev, 0, ev)
		must(w.T, m.Rewrite(hubStream(), seq, bytes.Join(parts, nil)))
		prev = hash
	}
}
