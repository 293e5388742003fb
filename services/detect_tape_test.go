package services_test

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// tape is the log of one partition, batch by batch, as a broker gave it: a test alters a copy
// of it in ways that no protocol allows, and plays that.
type tape struct {
	topic     string
	partition int32
	batches   []taped
	aborted   []abortedTxn
	start     int64 // log start
	stable    int64 // last stable offset
	end       int64 // high watermark
}

type taped struct {
	first, next int64
	raw         []byte
}

type abortedTxn struct{ producer, first, marker int64 }

// record reads a partition from the first offset to the last.
func record(t *testing.T, cl *kgo.Client, topic kafkaconn.Topic, partition int32, in kafkaconn.Bounds) *tape {
	t.Helper()
	out := &tape{topic: topic.Name, partition: partition, start: in.LogStart, stable: in.LSO, end: in.HighWatermark}
	seen := map[abortedTxn]bool{}
	for at := in.LogStart; at < in.LSO; {
		got := fetchRaw(t, cl, topic, partition, at)
		for _, a := range got.AbortedTransactions {
			if one := (abortedTxn{producer: a.ProducerID, first: a.FirstOffset}); !seen[one] {
				seen[one] = true
				out.aborted = append(out.aborted, one)
			}
		}
		for log := got.RecordBatches; len(log) > 0; {
			b := tapedOf(log)
			log = log[len(b.raw):]
			if b.next > at {
				out.batches = append(out.batches, b)
				at = b.next
			}
		}
	}
	for i := range out.aborted {
		a := &out.aborted[i]
		for _, b := range out.batches {
			if h := b.header(); h.Attributes&0x20 != 0 && h.ProducerID == a.producer && b.first >= a.first {
				a.marker = b.first
				break
			}
		}
	}
	return out
}

func fetchRaw(t *testing.T, cl *kgo.Client, topic kafkaconn.Topic, partition int32, at int64) *kmsg.FetchResponseTopicPartition {
	t.Helper()
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes, req.SessionEpoch, req.IsolationLevel = 8<<20, -1, 1
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = topic.Name, topic.ID
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = partition, at, 8<<20
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(t.Context(), cl)
	must(t, err)
	got := &resp.Topics[0].Partitions[0]
	must(t, kerr.ErrorForCode(got.ErrorCode))
	return got
}

// tapedOf is the first batch of a log.
func tapedOf(log []byte) taped {
	size := 12 + int(binary.BigEndian.Uint32(log[8:]))
	first := int64(binary.BigEndian.Uint64(log))
	return taped{first: first, next: first + int64(binary.BigEndian.Uint32(log[23:])) + 1, raw: log[:size]}
}

func (b *taped) header() (h kmsg.RecordBatch) {
	if err := h.ReadFrom(b.raw); err != nil {
		panic(err) // it was read before
	}
	return h
}

// data reports whether a batch holds records of rows that count.
func (p *tape) data(b *taped) bool {
	h := b.header()
	for _, a := range p.aborted {
		if a.producer == h.ProducerID && a.first <= b.first && b.first < a.marker {
			return false
		}
	}
	return h.Attributes&0x20 == 0 && h.NumRecords > 0
}

// records are those of a batch.
func (b *taped) records(t *testing.T) (h kmsg.RecordBatch, list []kmsg.Record) {
	t.Helper()
	h = b.header()
	in := h.Records
	if codec := h.Attributes & 7; codec != 0 {
		var err error
		in, err = kgo.DefaultDecompressor().Decompress(in, kgo.CompressionCodecType(codec))
		must(t, err)
	}
	for range h.NumRecords {
		n, used := binary.Varint(in)
		var r kmsg.Record
		must(t, r.ReadFrom(in[:used+int(n)]))
		in = in[used+int(n):]
		list = append(list, r)
	}
	return h, list
}

// made is a batch of some records, with the header of another.
func made(h *kmsg.RecordBatch, list []kmsg.Record) taped {
	h.Attributes &^= 7 // not compressed
	h.Records, h.NumRecords = nil, int32(len(list))
	for _, r := range list {
		r.Length = 0
		r.Length = int32(len(r.AppendTo(nil)) - 1)
		h.Records = r.AppendTo(h.Records)
	}
	h.Length = 0
	h.Length = int32(len(h.AppendTo(nil)) - 12)
	raw := h.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return tapedOf(raw)
}

// with is the tape with the batch of an offset replaced by what do makes of its records.
func (p *tape) with(t *testing.T, offset int64, do func(*kmsg.RecordBatch, []kmsg.Record) []kmsg.Record) *tape {
	t.Helper()
	out := *p
	out.batches = slices.Clone(p.batches)
	i := p.batchOf(offset)
	h, list := out.batches[i].records(t)
	list = do(&h, list)
	out.batches[i] = made(&h, list)
	return &out
}

// alter is the tape with one record altered; false drops it.
func (p *tape) alter(t *testing.T, offset int64, do func(*kmsg.Record) bool) *tape {
	t.Helper()
	return p.with(t, offset, func(h *kmsg.RecordBatch, list []kmsg.Record) (out []kmsg.Record) {
		for _, r := range list {
			if h.FirstOffset+int64(r.OffsetDelta) != offset || do(&r) {
				out = append(out, r)
			}
		}
		return out
	})
}

// put is the tape with a record of no transaction at an offset: behind the end, or in the place
// of a marker.
func (p *tape) put(offset, ms int64, value []byte) *tape {
	out := *p
	h := kmsg.RecordBatch{FirstOffset: offset, Magic: 2, FirstTimestamp: ms, MaxTimestamp: ms, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1}
	one := made(&h, []kmsg.Record{{Value: value}})
	out.batches = slices.Clone(p.batches)
	if offset >= p.end {
		out.batches = append(out.batches, one)
		out.stable, out.end = offset+1, offset+1
		return &out
	}
	out.batches[p.batchOf(offset)] = one
	return &out
}

func (p *tape) batchOf(offset int64) int {
	i, found := slices.BinarySearchFunc(p.batches, offset, func(b taped, offset int64) int {
		switch {
		case b.next <= offset:
			return -1
		case b.first > offset:
			return 1
		}
		return 0
	})
	if !found {
		panic("no batch has this offset")
	}
	return i
}

// recordAll records every partition of some topics.
func recordAll(t *testing.T, brokers []string, topics ...string) (tapes []*tape, ids map[[16]byte]string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	must(t, err)
	defer cl.Close()
	ids = map[[16]byte]string{}
	for _, name := range topics {
		topic, err := kafkaconn.Describe(t.Context(), cl, name)
		must(t, err)
		ids[topic.ID] = name
		bounds, err := kafkaconn.Offsets(t.Context(), cl, name)
		must(t, err)
		for _, p := range topic.Partitions {
			tapes = append(tapes, record(t, cl, topic, p.ID, bounds[p.ID]))
		}
	}
	return tapes, ids
}
