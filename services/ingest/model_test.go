package ingest_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/ingest"
)

// What may stand at an offset of the model's log; otherwise a domain.Reason.
const (
	modelRow  domain.Reason = 100
	modelOpen domain.Reason = 101 // data of a transaction that has not ended
	modelHole domain.Reason = 102
)

// modelLog is a partition, written down offset by offset.
type modelLog struct {
	codecs  *compressors
	what    []domain.Reason // by offset
	batches []modelBatch
	aborted []modelAborted
	lso     int64
}

type modelBatch struct {
	base, last int64
	bytes      []byte
}

type modelAborted struct {
	producer, first, marker int64
}

// modelTxn is an open transaction of a producer.
type modelTxn struct {
	first int64
	data  []int64 // offsets that compaction left
}

// drawLog makes a log of producers whose transactions interleave, commit, abort or
// stay open, with what compaction does to it.
func drawLog(t *rapid.T, codecs *compressors) *modelLog {
	l := &modelLog{codecs: codecs}
	open := map[int64]*modelTxn{}
	for range rapid.IntRange(0, 30).Draw(t, "operations") {
		producer := rapid.Int64Range(1, 3).Draw(t, "producer")
		switch rapid.SampledFrom([]string{"plain", "data", "data", "end", "end", "vanish", "other"}).Draw(t, "operation") {
		case "plain": // also of a producer whose transaction is open
			for _, o := range l.appendData(t, rapid.SampledFrom([]int64{-1, producer}).Draw(t, "idempotent"), 0) {
				l.what[o] = modelRow
			}
		case "data":
			if open[producer] == nil {
				open[producer] = &modelTxn{first: l.end()}
			}
			txn := open[producer]
			for _, o := range l.appendData(t, producer, 0x10) {
				l.what[o] = modelOpen
				txn.data = append(txn.data, o)
			}
		case "end":
			if txn := open[producer]; txn != nil {
				l.endTxn(t, producer, txn)
				delete(open, producer)
			}
		case "vanish": // whole batches that compaction removed
			l.extend(rapid.IntRange(1, 4).Draw(t, "vanished"))
		case "other":
			l.appendControl(t, producer, 5, domain.ReasonUnexplained)
		}
	}
	l.lso = l.end()
	for _, txn := range open {
		l.lso = min(l.lso, txn.first)
	}
	return l
}

func (l *modelLog) end() int64 { return int64(len(l.what)) }

func (l *modelLog) extend(n int) {
	for range n {
		l.what = append(l.what, modelHole)
	}
}

// appendData appends a batch of which some records may be compacted away, or all of
// them with or without the batch, and returns the offsets that are left.
func (l *modelLog) appendData(t *rapid.T, producer int64, attributes int16) (left []int64) {
	base, n := l.end(), rapid.IntRange(1, 6).Draw(t, "records")
	l.extend(n)
	compaction := rapid.SampledFrom([]string{"none", "none", "none", "some", "all", "batch"}).Draw(t, "compaction")
	for o := base; o < l.end(); o++ {
		if compaction == "none" || compaction == "some" && rapid.Bool().Draw(t, "left") {
			left = append(left, o)
		}
	}
	if compaction == "batch" {
		return left
	}
	rb := kmsg.RecordBatch{FirstOffset: base, LastOffsetDelta: int32(n - 1), ProducerID: producer, NumRecords: int32(len(left)), Attributes: attributes}
	var raw []byte
	for _, o := range left {
		raw = appendRecord(raw, kmsg.Record{OffsetDelta: int32(o - base), Value: fmt.Appendf(nil, "row %d", o)})
	}
	if codec := rapid.IntRange(0, 4).Draw(t, "codec"); len(left) > 0 {
		rb.Attributes |= int16(codec)
		raw = l.codecs.compress(codec, raw)
	}
	l.appendBatch(rb, raw)
	return left
}

// endTxn commits or aborts. The marker and index entry of an aborted transaction may
// go when compaction left none of its data.
func (l *modelLog) endTxn(t *rapid.T, producer int64, txn *modelTxn) {
	if rapid.Bool().Draw(t, "commit") {
		l.appendControl(t, producer, 1, domain.ReasonCommitMarker)
		for _, o := range txn.data {
			l.what[o] = modelRow
		}
		return
	}
	if len(txn.data) == 0 && rapid.Bool().Draw(t, "marker gone") {
		l.extend(1)
		return
	}
	l.appendControl(t, producer, 0, domain.ReasonAbortMarker)
	l.aborted = append(l.aborted, modelAborted{producer, txn.first, l.end() - 1})
	for _, o := range txn.data {
		l.what[o] = domain.ReasonAborted
	}
}

// appendControl appends a control record, alone in its batch; before it there may be
// offsets without one, which no broker was seen to leave.
func (l *modelLog) appendControl(t *rapid.T, producer int64, kind byte, what domain.Reason) {
	base, delta := l.end(), max(0, rapid.IntRange(-20, 2).Draw(t, "control offset"))
	l.extend(delta)
	l.what = append(l.what, what)
	rb := kmsg.RecordBatch{FirstOffset: base, LastOffsetDelta: int32(delta), ProducerID: producer, Attributes: 0x30, NumRecords: 1}
	l.appendBatch(rb, appendRecord(nil, kmsg.Record{OffsetDelta: int32(delta), Key: []byte{0, 0, 0, kind}, Value: make([]byte, 6)}))
}

func (l *modelLog) appendBatch(rb kmsg.RecordBatch, payload []byte) {
	rb.PartitionLeaderEpoch = int32(len(l.batches))
	last := rb.FirstOffset + int64(rb.LastOffsetDelta)
	l.batches = append(l.batches, modelBatch{rb.FirstOffset, last, sealBatch(rb, payload)})
}

// fetch draws a response to a fetch at position: batches from where the position
// stands, or a little before, up to some byte.
func (l *modelLog) fetch(t *rapid.T, position int64) (in ingest.Fetched, complete []modelBatch) {
	i := 0
	for i < len(l.batches) && l.batches[i].last < position {
		i++
	}
	i = max(0, i-rapid.IntRange(0, 2).Draw(t, "batches before"))
	sent := l.batches[i:]
	var all []byte
	for _, b := range sent {
		all = append(all, b.bytes...)
	}
	all = all[:rapid.IntRange(0, len(all)).Draw(t, "bytes")]
	upper, size := position, 0
	for _, b := range sent {
		if size < len(all) {
			upper = b.last + 1
		}
		if size += len(b.bytes); size <= len(all) {
			complete = append(complete, b)
		}
	}
	in = ingest.Fetched{
		Position:      position,
		RecordBatches: all,
		LogStart:      rapid.Int64Range(0, max(0, position)).Draw(t, "log start"),
		LSO:           l.lso,
		Uncommitted:   rapid.IntRange(0, 3).Draw(t, "isolation") == 0,
		Compacted:     rapid.Bool().Draw(t, "compacted"),
	}
	if in.Uncommitted {
		in.LSO = l.end()
	}
	if rapid.IntRange(0, 9).Draw(t, "log start moved on") == 0 {
		in.LogStart = rapid.Int64Range(0, l.end()).Draw(t, "log start")
	}
	for _, a := range l.aborted {
		if a.marker >= position && a.first < upper && !in.Uncommitted {
			for range rapid.IntRange(1, 2).Draw(t, "times listed") {
				in.Aborted = append(in.Aborted, ingest.AbortedTxn{ProducerID: a.producer, FirstOffset: a.first})
			}
		}
	}
	if len(in.Aborted) > 1 {
		in.Aborted = rapid.Permutation(in.Aborted).Draw(t, "aborted")
	}
	return in, complete
}

// appendRecord appends a record with its length in front.
func appendRecord(out []byte, r kmsg.Record) []byte {
	body := r.AppendTo(nil)[1:] // the length, zero, is one byte
	return append(binary.AppendVarint(out, int64(len(body))), body...)
}

// sealBatch gives a batch its payload, length and checksum.
func sealBatch(rb kmsg.RecordBatch, payload []byte) []byte {
	rb.Magic, rb.Records, rb.Length = 2, payload, int32(49+len(payload))
	b := rb.AppendTo(nil)
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// compressors are kgo's, by their number on the wire; none for codec 0. They are
// made once, because each holds megabytes until its finalizer ran.
type compressors [5]kgo.Compressor

func newCompressors(t *testing.T) *compressors {
	var c compressors
	for i, codec := range []kgo.CompressionCodec{
		1: kgo.GzipCompression(), 2: kgo.SnappyCompression(), 3: kgo.Lz4Compression(), 4: kgo.ZstdCompression(),
	} {
		if i == 0 {
			continue
		}
		var err error
		if c[i], err = kgo.DefaultCompressor(codec); err != nil {
			t.Fatal(err)
		}
	}
	return &c
}

func (c *compressors) compress(codec int, raw []byte) []byte {
	if codec == 0 {
		return raw
	}
	var buf bytes.Buffer
	out, _ := c[codec].Compress(&buf, raw)
	return bytes.Clone(out)
}
