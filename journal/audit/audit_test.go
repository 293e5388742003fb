package audit_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/audit"
	"github.com/hefu-io/hefu/journal/checkpoint"
)

const pipeline = "bridge"

func stream(leg domain.Leg) domain.Stream { return domain.Stream{Pipeline: pipeline, Leg: leg} }

// altered is a store that answers with other bytes than it has.
type altered struct {
	journal.Store
	// read gives what is answered for an event: nil for nothing.
	read func(s domain.Stream, seq domain.Seq, stored []byte) []byte
}

func (a *altered) Follow(ctx context.Context, s domain.Stream, first, seq domain.Seq) (journal.Follower, error) {
	f, err := a.Store.Follow(ctx, s, first, seq)
	return &follower{Follower: f, a: a, s: s, seq: seq}, err
}

type follower struct {
	journal.Follower
	a   *altered
	s   domain.Stream
	seq domain.Seq
}

func (f *follower) Next(ctx context.Context) ([]byte, error) {
	for {
		b, err := f.Follower.Next(ctx)
		if err != nil || f.a.read == nil {
			return b, err
		}
		seq := f.seq
		f.seq++
		if b = f.a.read(f.s, seq, slices.Clone(b)); b != nil {
			return b, nil
		}
	}
}

// batchOf is a record batch of n rows as a broker would send it.
func batchOf(base int64, n int) []byte { return batchOfSize(base, n, 3) }

func batchOfSize(base int64, n, size int) []byte {
	var records []byte
	value := []byte(strings.Repeat("row ", size/4+1))[:size]
	for i := range n {
		r := kmsg.Record{TimestampDelta64: int64(i), OffsetDelta: int32(i), Value: value}
		body := r.AppendTo(nil)[1:] // without the length 0, which takes a byte
		r.Length = int32(len(body))
		records = r.AppendTo(records)
	}
	b := kmsg.RecordBatch{
		FirstOffset: base, PartitionLeaderEpoch: 1, Magic: 2, LastOffsetDelta: int32(n - 1), ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		NumRecords: int32(n), Records: records, FirstTimestamp: 1_785_000_000_000, MaxTimestamp: 1_785_000_000_000 + int64(n),
	}
	out := b.AppendTo(nil)
	binary.BigEndian.PutUint32(out[8:], uint32(len(out)-12))
	binary.BigEndian.PutUint32(out[17:], crc32.Checksum(out[21:], crc32.MakeTable(crc32.Castagnoli)))
	return out
}

// at is the same batch at another offset, which its checksum does not cover.
func at(batch []byte, base int64) []byte {
	out := slices.Clone(batch)
	binary.BigEndian.PutUint64(out, uint64(base))
	return out
}

// ingested is an event of 10 rows and a marker.
func ingested(w *journal.Writer, first int64) *domain.Ingested {
	return &domain.Ingested{Owned: w.Owned(), Runs: []domain.Run{{
		Source: "nanjing", Generation: 1, First: first, Next: first + 11, Rows: 10, Batches: [][]byte{batchOf(first, 10)},
		Gaps: []domain.Gap{{Span: domain.Span{First: first + 10, Next: first + 11}, Reason: domain.ReasonCommitMarker}},
	}}}
}

// world is a journal of three streams, in several segments.
type world struct {
	*testing.T
	store *altered
	j     *journal.Journal
	heads []checkpoint.Head
	refs  map[domain.Stream][]domain.Ref
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, store: &altered{Store: journal.NewMemory()}, refs: map[domain.Stream][]domain.Ref{}}
	w.open()
	ingest, hub := w.take(domain.LegIngest), w.take(domain.LegHub)
	for i := range 20 {
		w.put(ingest, ingested(ingest, int64(i)*11))
		w.put(hub, &domain.HubAborted{Owned: hub.Owned(), Trail: hub.Trail(), Why: strings.Repeat("x", 100)})
	}
	for _, s := range []domain.Stream{stream(domain.LegIngest), stream(domain.LegHub)} {
		w.heads = append(w.heads, w.head(s, 5), w.head(s, w.refs[s][19].Seq))
	}
	return w
}

func (w *world) open() {
	j, err := journal.Open(w.Context(), pipeline, journal.Options{Store: w.store, SegmentBytes: 2000})
	if err != nil {
		w.Fatal(err)
	}
	w.j = j
}

func (w *world) take(leg domain.Leg) *journal.Writer {
	wr, err := w.j.Takeover(w.Context(), stream(leg), 2, 1)
	if err != nil {
		w.Fatal(err)
	}
	return wr
}

func (w *world) put(wr *journal.Writer, ev domain.ShardEvent) {
	ref, err := wr.Append(w.Context(), ev)
	if err != nil {
		w.Fatal(err)
	}
	w.refs[ref.Stream] = append(w.refs[ref.Stream], ref)
}

// head is the root of a stream's first events, by tlog itself and not by the audit's own fold.
func (w *world) head(s domain.Stream, size domain.Seq) checkpoint.Head {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range indexes {
			out = append(out, stored[i])
		}
		return out, nil
	})
	h := checkpoint.Head{Journal: w.j.ID()}
	for seq := domain.Seq(1); seq <= size; seq++ {
		e, err := w.j.Get(w.Context(), s, seq)
		if err != nil {
			w.Fatal(err)
		}
		more, err := tlog.StoredHashes(int64(seq)-1, e.Hash[:], reader)
		if err != nil {
			w.Fatal(err)
		}
		stored = append(stored, more...)
		h.Ref = e.Ref()
	}
	root, err := tlog.TreeHash(int64(size), reader)
	if err != nil {
		w.Fatal(err)
	}
	h.Root = domain.Hash(root)
	return h
}

func (w *world) audit(o audit.Options) *audit.Result {
	w.Helper()
	control, err := w.j.OpenControl(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	streams, err := audit.Streams(w.Context(), w.j, control)
	if err != nil {
		w.Fatal(err)
	}
	r, err := audit.Run(w.Context(), w.j, streams, o)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

func TestSound(t *testing.T) {
	w := newWorld(t)
	var told int64
	r := w.audit(audit.Options{Deep: true, Heads: w.heads, Progress: func(n int64) { told = max(told, n) }})
	if !r.Sound() || len(r.Streams) != 3 || told != r.Bytes() {
		t.Fatalf("%v, %d streams, told %d of %d bytes", r.Wrong(), len(r.Streams), told, r.Bytes())
	}
	in := r.Streams[1]
	if in.Stream != stream(domain.LegIngest) || in.Rows != 200 || in.Batches != 20 || in.Heads != 2 || in.Events != int64(in.Last.Seq) || in.From != 1 {
		t.Errorf("ingest: %+v", in)
	}
	if hub := r.Streams[2]; hub.Heads != 2 || hub.Rows != 0 {
		t.Errorf("hub: %+v", hub)
	}
	after := w.refs[stream(domain.LegHub)][4]
	r = w.audit(audit.Options{After: map[domain.Stream]domain.Ref{stream(domain.LegHub): after}})
	if hub := r.Streams[2]; !r.Sound() || hub.From != after.Seq+1 || hub.Events != int64(hub.Last.Seq-after.Seq) {
		t.Errorf("after what was dropped: %v %+v", r.Wrong(), hub)
	}
	after.Hash[0]++
	if r = w.audit(audit.Options{After: map[domain.Stream]domain.Ref{stream(domain.LegHub): after}}); r.Sound() {
		t.Error("the chain goes on from another event than was dropped, and nothing is said")
	}
}

// Every kind of change is found, at its event, and by what.
func TestWrong(t *testing.T) {
	hub := stream(domain.LegHub)
	only := func(s domain.Stream, seq domain.Seq, change func([]byte) []byte) func(domain.Stream, domain.Seq, []byte) []byte {
		return func(of domain.Stream, at domain.Seq, b []byte) []byte {
			if of == s && at == seq {
				return change(b)
			}
			return b
		}
	}
	flipped := func(b []byte) []byte { b[len(b)-1] ^= 1; return b }
	for _, c := range []struct {
		name   string
		deep   bool
		read   func(domain.Stream, domain.Seq, []byte) []byte
		change func(w *world, o *audit.Options)
		seq    domain.Seq // of the last sound event
		want   string
	}{
		{"a flipped bit", false, only(hub, 7, flipped), nil, 7, "bridge.0.hub@8"},
		{"an event that is missing", false, only(hub, 7, func([]byte) []byte { return nil }), nil, 6, "bridge.0.hub@7"},
		{"an event that is none", false, only(hub, 7, func([]byte) []byte { return []byte{1, 2, 3} }), nil, 6, "bridge.0.hub@7"},
		{"a signed root that the events do not lead to", true, nil, func(_ *world, o *audit.Options) { o.Heads[2].Root[3]++ }, 4, "signed checkpoint of bridge.0.hub@5"},
		{"a signed end that is gone", true, nil, func(_ *world, o *audit.Options) {
			more := o.Heads[3]
			more.Ref.Seq += 1000
			o.Heads = append(o.Heads, more)
		}, 0, "the stream ends at"},
		{"a batch that is not as it was sent", true, nil, func(w *world, _ *audit.Options) {
			wr := w.take(domain.LegIngest)
			bad := ingested(wr, 220)
			bad.Runs[0].Batches[0][70] ^= 1
			w.put(wr, bad)
		}, 0, "CRC32C"},
		{"rows that the batches do not have", true, nil, func(w *world, _ *audit.Options) {
			wr := w.take(domain.LegIngest)
			bad := ingested(wr, 220)
			bad.Runs[0].Rows, bad.Runs[0].Gaps = 11, nil
			w.put(wr, bad)
		}, 0, "are said to be 11 rows and 0 of gaps, and the batches have 10 rows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			o := audit.Options{Deep: c.deep, Heads: slices.Clone(w.heads)}
			if c.change != nil {
				c.change(w, &o)
			}
			w.open() // another process
			w.store.read = c.read
			r := w.audit(o)
			if r.Sound() || !strings.Contains(r.Wrong().Error(), c.want) {
				t.Fatalf("found %v, want %s", r.Wrong(), c.want)
			}
			for _, s := range r.Streams {
				if s.Wrong == nil && s.Last.Seq == 0 || s.Wrong != nil && c.seq > 0 && s.Last.Seq != c.seq {
					t.Errorf("%s: sound up to %d, want %d: %v", s.Stream, s.Last.Seq, c.seq, s.Wrong)
				}
			}
			shallow := w.audit(audit.Options{})
			if c.deep != shallow.Sound() {
				t.Errorf("without looking deep: %v", shallow.Wrong())
			}
		})
	}
}

// A store that does not answer is not a journal that is wrong.
func TestNotChecked(t *testing.T) {
	w := newWorld(t)
	gone := errors.New("no server")
	broken := &silent{Store: w.store, err: gone}
	j, err := journal.Open(t.Context(), pipeline, journal.Options{Store: broken})
	if err != nil {
		t.Fatal(err)
	}
	broken.on = true
	r, err := audit.Run(t.Context(), j, []domain.Stream{stream(domain.LegHub)}, audit.Options{})
	if !errors.Is(err, gone) || r.Wrong() != nil {
		t.Errorf("%v, wrong: %v", err, r.Wrong())
	}
}

type silent struct {
	journal.Store
	on  bool
	err error
}

func (s *silent) Follow(ctx context.Context, of domain.Stream, first, seq domain.Seq) (journal.Follower, error) {
	if s.on {
		return nil, fmt.Errorf("follow: %w", s.err)
	}
	return s.Store.Follow(ctx, of, first, seq)
}
