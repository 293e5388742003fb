package journal_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// draw fills any event type with values that its fields may have.
func draw(t *rapid.T, v reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *domain.Stream:
		legs := []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}
		*x = domain.Stream{Pipeline: "p-1", Shard: rapid.IntRange(0, 1<<30).Draw(t, "shard"), Leg: rapid.SampledFrom(legs).Draw(t, "leg")}
		switch rapid.IntRange(0, 3).Draw(t, "stream") {
		case 0:
			*x = domain.Stream{}
		case 1:
			*x = domain.ControlStream("p-2")
		}
		return
	case *domain.Reason:
		*x = domain.Reason(rapid.IntRange(1, 9).Draw(t, "reason"))
		return
	case *[][]byte: // a reader gets one slice
		if b := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "batches"); len(b) > 0 {
			*x = [][]byte{b}
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "there") {
			v.Set(reflect.New(v.Type().Elem()))
			draw(t, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			draw(t, v.Field(i))
		}
	case reflect.Slice:
		if n := rapid.IntRange(0, 3).Draw(t, "len"); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
		}
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			draw(t, v.Index(i))
		}
	case reflect.String:
		v.SetString(rapid.String().Draw(t, "string"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int:
		v.SetInt(int64(rapid.Uint32().Draw(t, "count")))
	case reflect.Int32:
		v.SetInt(int64(rapid.Int32().Draw(t, "int32")))
	case reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int64"))
	case reflect.Uint8:
		v.SetUint(uint64(rapid.Uint8().Draw(t, "uint8")))
	case reflect.Uint32:
		v.SetUint(uint64(rapid.Uint32().Draw(t, "uint32")))
	case reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, "uint64"))
	default:
		t.Fatalf("no values for %s", v.Type())
	}
}

func TestEveryEventComesBackAsItWas(t *testing.T) {
	kinds := fullEvents()
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(kinds).Draw(t, "kind")
		ev := reflect.New(reflect.TypeOf(kind).Elem())
		draw(t, ev.Elem())
		stored, hash := encode(ev.Interface().(domain.Event))
		e, err := journal.Decode(stored)
		if err != nil {
			t.Fatal(err)
		}
		if e.Hash != hash || hash != sha256.Sum256(stored) || e.Size != len(stored) {
			t.Fatalf("hash %s, size %d of %d bytes with hash %s", e.Hash, e.Size, len(stored), hash)
		}
		if !reflect.DeepEqual(e.Event, ev.Interface()) {
			t.Fatalf("%+v came back as %+v", ev.Interface(), e.Event)
		}
	})
}

// How batches are cut into slices is not stored.
func TestBatchesAreStoredWithoutTheirCuts(t *testing.T) {
	one := &domain.Ingested{Runs: []domain.Run{{Batches: [][]byte{[]byte("abcdef")}}}}
	cut := &domain.Ingested{Runs: []domain.Run{{Batches: [][]byte{[]byte("ab"), nil, []byte("cdef")}}}}
	a, hashA := encode(one)
	b, hashB := encode(cut)
	if !bytes.Equal(a, b) || hashA != hashB {
		t.Fatalf("%x and %x", a, b)
	}
}

func TestEveryCutOfAnEventIsRefused(t *testing.T) {
	for _, ev := range fullEvents() {
		stored, _ := encode(ev)
		for n := range stored {
			if _, err := journal.Decode(stored[:n]); !errors.Is(err, journal.ErrMalformed) {
				t.Fatalf("%s cut to %d of %d bytes: %v", ev.Kind(), n, len(stored), err)
			}
		}
		if _, err := journal.Decode(append(stored, 0)); !errors.Is(err, journal.ErrMalformed) {
			t.Fatalf("%s with a byte more: %v", ev.Kind(), err)
		}
	}
}

func TestLengthsAreNotBelieved(t *testing.T) {
	for _, ev := range fullEvents() {
		stored, _ := encode(ev)
		damaged := make([]byte, 0, len(stored)+5)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for i := range stored {
			damaged = append(append(append(damaged[:0], stored[:i]...), 0xff, 0xff, 0xff, 0xff, 0x0f), stored[i+1:]...)
			_, _ = journal.Decode(damaged)
		}
		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / uint64(len(stored)); each > uint64(64*len(stored)+4096) {
			t.Errorf("%s: %d bytes allocated to decode %d", ev.Kind(), each, len(stored))
		}
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.golden")
	if err != nil || len(files) == 0 {
		f.Fatalf("golden files: %v, %v", files, err)
	}
	for _, path := range files {
		f.Add(readGolden(f, path))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, stored []byte) {
		e, err := journal.Decode(stored)
		if err != nil {
			return
		}
		parts, hash := journal.Encode(e.Journal, e.Stream, e.Seq, e.Prev, e.At, e.Event)
		if again := bytes.Join(parts, nil); !bytes.Equal(again, stored) || hash != e.Hash {
			t.Fatalf("%s decoded from\n%x is encoded as\n%x", e.Event.Kind(), stored, again)
		}
	})
}

// A number with needless bytes would give one event two hashes.
func TestNumbersHaveOneForm(t *testing.T) {
	stored, _ := encode(&domain.Resolved{})
	at := len(stored) - 1 // the length of Why, 0
	long := append(bytes.Clone(stored[:at]), 0x80, 0x00)
	_, err := journal.Decode(long)
	want := fmt.Sprintf("stored event is malformed: %s@1234 Resolved: number is not in its shortest form", shard(domain.LegHub))
	if err == nil || err.Error() != want {
		t.Fatalf("%v\nwant %s", err, want)
	}
}
