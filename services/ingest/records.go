package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/batch"
)

// sameRecords compares what compaction left of the last journaled batch with the
// journal: every record that is still there must be the journaled one, by offset,
// timestamp and bytes. A batch whose event was dropped from the journal cannot be
// compared and passes.
func (l *leg) sameRecords(ctx context.Context, at domain.Position, h batch.Header, now []byte) (bool, error) {
	e, err := l.j.Get(ctx, l.stream, at.LastSeq)
	if errors.Is(err, journal.ErrNotFound) {
		l.log.DebugContext(ctx, "last journaled batch is not compared, its event was dropped",
			"source", string(at.Source), "partition", at.Partition, "seq", at.LastSeq)
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("last journaled batch of %s/%d: %w", at.Source, at.Partition, err)
	}
	was, err := journaledBatch(e.Event, at)
	if err != nil {
		return false, fmt.Errorf("last journaled batch of %s/%d in %s: %w", at.Source, at.Partition, e.Ref(), err)
	}
	return sameRecords(was, h, now)
}

// journaledBatch finds the last batch of a partition in the event that holds it.
func journaledBatch(ev domain.Event, at domain.Position) ([]byte, error) {
	in, ok := ev.(*domain.Ingested)
	if !ok {
		return nil, fmt.Errorf("holds no rows but %s", ev.Kind())
	}
	for i := range in.Runs {
		r := &in.Runs[i]
		if r.Source != at.Source || r.Partition != at.Partition || r.Generation != at.Generation {
			continue
		}
		for _, section := range r.Batches {
			for len(section) > 0 {
				h, b, rest, err := batch.Next(section)
				if err != nil {
					return nil, err
				}
				if h.BaseOffset == at.LastBase {
					return b, nil
				}
				section = rest
			}
		}
	}
	return nil, fmt.Errorf("holds no batch at %d", at.LastBase)
}

// sameRecords reports whether every record of now that lies in the offsets of was is
// a record of was. A batch that cannot be read is not the same.
func sameRecords(was []byte, h batch.Header, now []byte) (bool, error) {
	var dec batch.Decoder
	wasHeader, err := batch.ParseHeader(was)
	if err != nil {
		return false, err
	}
	first, next := wasHeader.BaseOffset, wasHeader.LastOffset()+1
	had := make(map[int64][sha256.Size]byte, wasHeader.Count)
	digest := sha256.New()
	if err := dec.Batch(wasHeader, was, first, next, func(r *batch.Record) error {
		had[r.Offset] = digestOf(digest, r)
		return nil
	}); err != nil {
		return false, err
	}
	same := true
	err = dec.Batch(h, now, first, next, func(r *batch.Record) error {
		before, ok := had[r.Offset]
		same = same && ok && before == digestOf(digest, r)
		return nil
	})
	return same && err == nil, nil
}

// digestOf is a record's digest; null and empty differ.
func digestOf(h hash.Hash, r *batch.Record) (sum [sha256.Size]byte) {
	h.Reset()
	var b [8]byte
	put := func(n int64) {
		binary.BigEndian.PutUint64(b[:], uint64(n))
		h.Write(b[:])
	}
	put(r.Timestamp)
	for _, field := range [][]byte{r.Key, r.Value} {
		if field == nil {
			put(-1)
			continue
		}
		put(int64(len(field)))
		h.Write(field)
	}
	put(int64(r.HeaderCount))
	h.Write(r.RawHeaders)
	h.Sum(sum[:0])
	return sum
}
