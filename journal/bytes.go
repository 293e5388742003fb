package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/hefu-io/hefu/domain"
)

// errShort is what the decoder says of bytes that end too early or hold a length
// that cannot be.
var errShort = errors.New("bytes end inside a field")

// errLong is what the decoder says of a number with needless bytes.
var errLong = errors.New("number is not in its shortest form")

// enc writes fields in fixed order: uvarint for numbers and lengths, zig-zag varint
// for signed ones, fixed big-endian for hashes and ids.
type enc struct{ b []byte }

func (e *enc) u(v uint64)             { e.b = binary.AppendUvarint(e.b, v) }
func (e *enc) i(v int64)              { e.b = binary.AppendVarint(e.b, v) }
func (e *enc) n(v int)                { e.u(uint64(v)) }
func (e *enc) str(s string)           { e.n(len(s)); e.b = append(e.b, s...) }
func (e *enc) hash(h domain.Hash)     { e.b = append(e.b, h[:]...) }
func (e *enc) id(id [16]byte)         { e.b = append(e.b, id[:]...) }
func (e *enc) plan(id domain.PlanID)  { e.b = append(e.b, id[:]...) }
func (e *enc) seq(s domain.Seq)       { e.u(uint64(s)) }
func (e *enc) micros(m domain.Micros) { e.i(int64(m)) }
func (e *enc) bool(v bool) {
	if v {
		e.b = append(e.b, 1)
	} else {
		e.b = append(e.b, 0)
	}
}

func (e *enc) ref(r domain.Ref) {
	e.str(streamName(r.Stream))
	e.seq(r.Seq)
	e.hash(r.Hash)
}

func streamName(s domain.Stream) string {
	if s == (domain.Stream{}) {
		return ""
	}
	return s.String()
}

// dec reads what enc wrote. The first error sticks; readers check err once at the
// end. No length is believed beyond the bytes that are there.
type dec struct {
	b   []byte
	err error
}

func (d *dec) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.b = nil
}

// u demands the shortest form of a number: an event has one stored form, so that
// whoever encodes it again gets the same hash.
func (d *dec) u() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail(errShort)
		return 0
	}
	if n > 1 && d.b[n-1] == 0 {
		d.fail(errLong)
		return 0
	}
	d.b = d.b[n:]
	return v
}

// i undoes the zig-zag of AppendVarint.
func (d *dec) i() int64 {
	v := d.u()
	return int64(v>>1) ^ -int64(v&1)
}

func (d *dec) i32() int32 {
	v := d.i()
	if v < math.MinInt32 || v > math.MaxInt32 {
		d.fail(fmt.Errorf("%d is not a 32-bit number", v))
		return 0
	}
	return int32(v)
}

func (d *dec) u32() uint32 {
	v := d.u()
	if v > math.MaxUint32 {
		d.fail(fmt.Errorf("%d is not a 32-bit number", v))
		return 0
	}
	return uint32(v)
}

// int reads a small count or index.
func (d *dec) int() int { return int(d.u32()) }

// count reads the number of elements of a list whose elements take at least size
// bytes each.
func (d *dec) count(size int) int {
	n := d.u()
	if n > uint64(len(d.b)/max(size, 1)) {
		d.fail(errShort)
		return 0
	}
	return int(n)
}

func (d *dec) take(n int) []byte {
	if n < 0 || n > len(d.b) {
		d.fail(errShort)
		return nil
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *dec) str() string { return string(d.take(d.count(1))) }

func (d *dec) hash() (h domain.Hash) { copy(h[:], d.take(len(h))); return h }

func (d *dec) id() (id [16]byte) { copy(id[:], d.take(len(id))); return id }

func (d *dec) plan() (id domain.PlanID) { copy(id[:], d.take(len(id))); return id }

func (d *dec) seq() domain.Seq { return domain.Seq(d.u()) }

func (d *dec) micros() domain.Micros { return domain.Micros(d.i()) }

func (d *dec) bool() bool {
	b := d.take(1)
	if len(b) == 1 && b[0] > 1 {
		d.fail(fmt.Errorf("byte %d is not a truth value", b[0]))
	}
	return len(b) == 1 && b[0] == 1
}

func (d *dec) ref() (r domain.Ref) {
	name := d.str()
	if name != "" {
		s, err := domain.ParseStream(name)
		if err != nil {
			d.fail(err)
		}
		r.Stream = s
	}
	r.Seq = d.seq()
	r.Hash = d.hash()
	return r
}

// list reads a counted list; size is the least an element can take.
func list[T any](d *dec, size int, one func() T) []T {
	n := d.count(size)
	if n == 0 {
		return nil
	}
	out := make([]T, 0, n)
	for range n {
		if d.err != nil {
			return nil
		}
		out = append(out, one())
	}
	return out
}

func each[T any](e *enc, list []T, one func(*T)) {
	e.n(len(list))
	for i := range list {
		one(&list[i])
	}
}
