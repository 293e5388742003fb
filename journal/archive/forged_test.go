package archive_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"os"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/archive"
)

// A file that somebody made with care: each digest in it is right, and its index names the
// very end that the store has. What it holds is another segment.
func TestForgedFile(t *testing.T) {
	m := journal.NewMemory()
	w := newWorld(t, m, local(t))
	w.fill(3)
	g := w.sealed()[0]
	a, err := w.store.Write(w.ctx, w.j, hubStream(), g[0], g[1], domain.Hash{})
	must(t, err)
	good, err := os.ReadFile(w.path(*a))
	must(t, err)
	at := binary.BigEndian.Uint64(good[len(good)-64:])
	var ix archive.Index
	must(t, json.Unmarshal(good[at:len(good)-64], &ix))
	events := make([][]byte, 0, g[1])
	for seq := g[0]; seq <= g[1]; seq++ {
		stored, err := m.Get(w.ctx, hubStream(), g[0], seq)
		must(t, err)
		events = append(events, stored)
	}
	if !bytes.Equal(made(t, ix, events), good) {
		t.Fatal("the test makes other files than the archive does")
	}
	try := func(what string, ix archive.Index, events [][]byte) {
		t.Helper()
		must(t, os.WriteFile(w.path(*a), made(t, ix, events), 0o600))
		_, err := w.store.Write(w.ctx, w.j, hubStream(), g[0], g[1], domain.Hash{})
		w.refused(what, err, a.File, true)
	}
	anew := func(from int, ev domain.Event) [][]byte {
		out := append([][]byte(nil), events[:from]...)
		prev := domain.Hash(sha256.Sum256(out[from-1]))
		for i := from; i < len(events); i++ {
			parts, hash := journal.Encode(w.j.ID(), hubStream(), domain.Seq(i+1), prev, 0, ev)
			out, prev = append(out, bytes.Join(parts, nil)), hash
		}
		return out
	}
	try("an event and all after it", ix, anew(3, &domain.Rolled{}))
	try("the last event", ix, anew(len(events)-1, &domain.Rolled{Owned: domain.Owned{Incarnation: 9}}))
	other := ix
	other.Hash[0] ^= 1
	try("another hash in the index", other, events)
	other = ix
	other.Prev[0] ^= 1
	try("another beginning in the index", other, events)
	other = ix
	other.Journal[0] ^= 1
	try("another journal in the index", other, events)
}

// A block with other events in it, of the same size and in itself right: its digest in the
// index that control vouches for gives it away before an event is handed out.
func TestForgedBlock(t *testing.T) {
	w, a := dropped(t, local(t))
	good, err := os.ReadFile(w.path(a))
	must(t, err)
	at := binary.BigEndian.Uint64(good[len(good)-64:])
	var ix archive.Index
	must(t, json.Unmarshal(good[at:len(good)-64], &ix))
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	must(t, err)
	defer z.Close()
	var raw []byte
	for range ix.Last {
		raw = append(raw, 3, 'x', 'x', 'x')
	}
	block := z.EncodeAll(raw, nil)
	rest := int(ix.Blocks[0].Size) - len(block) - 8
	block = binary.LittleEndian.AppendUint32(block, 0x184D2A50)
	block = binary.LittleEndian.AppendUint32(block, uint32(rest))
	block = append(block, make([]byte, rest)...)
	w.spoilt(a, append(block, good[ix.Blocks[0].Size:]...), func() {
		b, err := archive.New(w.inner, w.place).Get(w.ctx, hubStream(), a.First, a.First)
		w.refused("another block", err, "another SHA-256", true)
		if b != nil {
			t.Errorf("handed out %q", b)
		}
	})
}

// made is a file of one block.
func made(t *testing.T, ix archive.Index, events [][]byte) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	must(t, err)
	defer z.Close()
	var raw []byte
	for _, e := range events {
		raw = append(binary.AppendUvarint(raw, uint64(len(e))), e...)
	}
	file := z.EncodeAll(raw, nil)
	ix.Blocks = []archive.Block{{First: ix.First, Size: int64(len(file)), Raw: int64(len(raw)), SHA256: sha256.Sum256(file)}}
	index, err := json.Marshal(&ix)
	must(t, err)
	digest := sha256.Sum256(index)
	file = binary.LittleEndian.AppendUint32(file, 0x184D2A50)
	file = binary.LittleEndian.AppendUint32(file, uint32(len(index)+64))
	at := len(file)
	file = append(file, index...)
	file = binary.BigEndian.AppendUint64(file, uint64(at))
	file = binary.BigEndian.AppendUint64(file, uint64(len(index)))
	file = append(file, digest[:]...)
	return append(file, "hefu segment 01\n"...)
}
