// Package journaltest is the contract that every journal.Store keeps, as one suite
// of tests. A new Store is done when Run passes on it.
package journaltest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// Deadline bounds one test: a store that does not answer fails it instead of hanging.
const Deadline = time.Minute

// Run tests a Store. open gives the store for one test; it may be the same one each
// time, also one that others use: every test takes a pipeline of its own.
func Run(t *testing.T, open func(t *testing.T) journal.Store) {
	for _, c := range []struct {
		name string
		test func(*fixture)
	}{
		{"an unknown stream has no segments and no events", unknownStream},
		{"create is idempotent and segments are in order", createIdempotent},
		{"events lie at their seq", eventsAtSeq},
		{"an empty segment has no last event and takes its first seq only", emptySegment},
		{"only the tail's successor is taken", expectedSequence},
		{"a sealed segment takes nothing and can be read", sealed},
		{"an event that is too large is refused by name", tooLarge},
		{"size counts every segment of the pipeline", size},
		{"attest is content with what create made", attest},
		{"of two writers at one seq one wins", race},
		{"a dropped segment is gone, and no other one", dropped},
		{"a follower of a dropped segment says so", followDropped},
		{"follow begins in the middle", followMiddle},
		{"follow waits at the end of an empty segment", followEmpty},
		{"follow never brings an event before its seq", followBeyond},
		{"follow sees concurrent appends in order", followConcurrent},
		{"a next that was cancelled loses nothing", followCancelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), Deadline)
			t.Cleanup(cancel)
			c.test(&fixture{T: t, ctx: ctx, store: open(t), s: newStream(t)})
		})
	}
}

type fixture struct {
	*testing.T
	ctx   context.Context //nolint:containedctx // one test's
	store journal.Store
	s     domain.Stream
}

func newStream(t *testing.T) domain.Stream {
	t.Helper()
	var b [6]byte
	if _, err := rand.Read(b[:]); err != nil {
		t.Fatal(err)
	}
	return domain.Stream{Pipeline: "t" + hex.EncodeToString(b[:]), Shard: 1, Leg: domain.LegHub}
}

// body is the event that the tests store at a seq.
func body(seq domain.Seq) []byte { return fmt.Appendf(nil, "event %d", seq) }

func (f *fixture) create(first domain.Seq) {
	f.Helper()
	if err := f.store.Create(f.ctx, f.s, first); err != nil {
		f.Fatal(err)
	}
}

// put stores events from first to last, each in two parts.
func (f *fixture) put(segment, first, last domain.Seq) {
	f.Helper()
	for seq := first; seq <= last; seq++ {
		b := body(seq)
		if err := f.append(segment, seq, b[:3], b[3:]); err != nil {
			f.Fatal(err)
		}
	}
}

// append puts an event as every user of a Store does: an answer that is not clear, as when
// a cluster has just no leader, is asked for again with the same bytes, and what then
// stands at the place decides.
func (f *fixture) append(segment, seq domain.Seq, parts ...[]byte) error {
	for asked := false; ; asked = true {
		err := f.store.Put(f.ctx, f.s, segment, seq, parts)
		if errors.Is(err, journal.ErrSequence) && asked {
			if got, e := f.store.Get(f.ctx, f.s, segment, seq); e == nil && bytes.Equal(got, bytes.Join(parts, nil)) {
				return nil
			}
		}
		if plain(err) || f.ctx.Err() != nil {
			return err
		}
	}
}

// plain reports whether an answer of Put is one that the contract names.
func plain(err error) bool {
	return err == nil || errors.Is(err, journal.ErrSequence) || errors.Is(err, journal.ErrSealed) || errors.Is(err, journal.ErrTooLarge)
}

// refuses demands the error that an append must get. An answer that is not clear, as when
// a cluster has just no leader, is asked again, as every user of a Store does.
func (f *fixture) refuses(segment, seq domain.Seq, want error) {
	f.Helper()
	for {
		err := f.store.Put(f.ctx, f.s, segment, seq, [][]byte{body(seq)})
		if errors.Is(err, want) {
			return
		}
		if plain(err) || f.ctx.Err() != nil {
			f.Fatalf("put at %d: %v, want %v", seq, err, want)
		}
	}
}

func (f *fixture) holds(segment, seq domain.Seq) {
	f.Helper()
	got, err := f.store.Get(f.ctx, f.s, segment, seq)
	if err != nil || !bytes.Equal(got, body(seq)) {
		f.Fatalf("get %d = %q, %v", seq, got, err)
	}
}

func (f *fixture) last(segment, want domain.Seq) {
	f.Helper()
	got, err := f.store.Last(f.ctx, f.s, segment)
	if want == 0 {
		if !errors.Is(err, journal.ErrNotFound) {
			f.Fatalf("last = %q, %v, want ErrNotFound", got, err)
		}
		return
	}
	if err != nil || !bytes.Equal(got, body(want)) {
		f.Fatalf("last = %q, %v, want event %d", got, err, want)
	}
}

func (f *fixture) segments() []journal.Segment {
	f.Helper()
	list, err := f.store.Segments(f.ctx, f.s)
	if err != nil {
		f.Fatal(err)
	}
	return list
}
