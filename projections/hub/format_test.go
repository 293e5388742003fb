package hub_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// fullBatch encodes records with keys and headers as one batch, with kmsg, and compresses
// it: what a decoder hands out is then in a buffer that it uses again.
func fullBatch(base int64, list ...kmsg.Record) []byte {
	var records bytes.Buffer
	packed := gzip.NewWriter(&records)
	for i, r := range list {
		r.OffsetDelta, r.TimestampDelta64 = int32(i), int64(i)
		body := r.AppendTo(nil)[1:] // its length is written as zero, one byte
		_, _ = packed.Write(append(binary.AppendVarint(nil, int64(len(body))), body...))
	}
	_ = packed.Close() // into memory
	b := seal(base, int32(len(list)), records.Bytes())
	const attributes, crc, covered = 21, 17, 21
	b[attributes+1] = 1 // gzip
	binary.BigEndian.PutUint32(b[crc:], crc32.Checksum(b[covered:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// hubRecords are the records of the hub partition that nanjing's first goes to.
func (w *world) hubRecords(n int) []*kgo.Record {
	w.t.Helper()
	cl, err := kafkaconn.Dial(w.cfg.Kafka, kgo.ConsumeTopics(w.cfg.Pipeline.HubTopic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	must(w.t, err)
	defer cl.Close()
	var out []*kgo.Record
	for len(out) < n {
		f := cl.PollFetches(w.ctx)
		must(w.t, f.Err0())
		out = append(out, f.Records()...)
	}
	return out
}

// TestPassedKeysAndHeaders: a hub that is passed them has the city record's key and
// headers, byte for byte: null and empty, names twice, in their order.
func TestPassedKeysAndHeaders(t *testing.T) {
	for _, pass := range []struct{ key, headers bool }{{true, true}, {true, false}, {false, true}, {false, false}} {
		t.Run(fmt.Sprint(pass), func(t *testing.T) {
			w := newWorld(t)
			w.cfg.Pipeline.Format.PassKey, w.cfg.Pipeline.Format.PassHeaders = pass.key, pass.headers
			headers := []kmsg.Header{{Key: "h1", Value: []byte("v1")}, {Key: "h1", Value: []byte("v2")}, {Key: "h中", Value: []byte{0xFF, 0}}, {Key: "hnull"}, {Key: "", Value: []byte{}}}
			list := []kmsg.Record{
				{Key: []byte("k-中"), Value: []byte("with key"), Headers: headers},
				{Key: []byte{}, Value: []byte("with empty key")},
				{Key: []byte("k2"), Value: nil, Headers: headers[3:4]},
				{Value: []byte("plain")},
			}
			ref := w.append(run("nanjing", 0, 0, int64(len(list)), fullBatch(0, list[:2]...), fullBatch(2, list[2:]...)))
			w.moved(open(w, w.process()), ref)
			for i, got := range w.hubRecords(len(list)) {
				var wantKey []byte
				if pass.key {
					wantKey = list[i].Key
				}
				var want []kgo.RecordHeader
				if pass.headers {
					for _, h := range list[i].Headers {
						want = append(want, kgo.RecordHeader{Key: h.Key, Value: h.Value})
					}
				}
				if diff := cmp.Diff(wantKey, got.Key); diff != "" {
					t.Errorf("record %d: key: %s", i, diff)
				}
				if diff := cmp.Diff(want, got.Headers, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("record %d: headers: %s", i, diff)
				}
				for j := range want {
					if (want[j].Value == nil) != (got.Headers[j].Value == nil) {
						t.Errorf("record %d: header %d: null is %t, want %t", i, j, got.Headers[j].Value == nil, want[j].Value == nil)
					}
				}
			}
		})
	}
}

// TestPassedCountsToTheSize: a record that is too large with its key and headers is left
// out, and a batch ends where they fill it.
func TestPassedCountsToTheSize(t *testing.T) {
	w := newWorld(t)
	w.cfg.Pipeline.Format.PassKey, w.cfg.Pipeline.Format.PassHeaders = true, true
	w.cfg.MaxRecordBytes = 1000
	long := make([]byte, 900)
	list := []kmsg.Record{
		{Key: long, Value: []byte("key too long")},
		{Value: []byte("header too long"), Headers: []kmsg.Header{{Key: "h", Value: long}}},
		{Key: long[:400], Value: []byte("fits"), Headers: []kmsg.Header{{Key: "h", Value: long[:300]}}},
	}
	w.cfg.Batch.Bytes = 700
	ref := w.append(run("nanjing", 0, 0, 3, fullBatch(0, list...)))
	last := w.append(run("nanjing", 0, 3, 1, fullBatch(3, kmsg.Record{Value: []byte("of the next batch")})))
	w.moved(open(w, w.process()), last)
	var left [][]domain.Exclusion
	for _, e := range w.history() {
		if c, ok := e.(*domain.HubCommitted); ok {
			left = append(left, c.Excluded)
		}
	}
	want := [][]domain.Exclusion{{
		{Ingest: ref.Seq, Count: 1, Reason: domain.ExcludedTooLarge, Digest: sha256.Sum256(list[0].Value)},
		{Ingest: ref.Seq, Ordinal: 1, Offset: 1, Count: 1, Reason: domain.ExcludedTooLarge, Digest: sha256.Sum256(list[1].Value)},
	}, nil}
	if diff := cmp.Diff(want, left, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

// TestJSONSource: a source's format decides what its rows say, and a record that does not
// read as declared is left out and listed, with what is wrong and nothing of its content.
func TestJSONSource(t *testing.T) {
	w := newWorld(t)
	p := &w.cfg.Pipeline
	p.Format.Columns = []domain.Column{
		{Name: "city", Type: "STRING", From: domain.FromCity},
		{Name: "record", Type: "STRING", From: domain.FromRecord},
		{Name: "load", Type: "DOUBLE", From: domain.FromField, Field: "load"},
	}
	for i := range p.Sources {
		p.Sources[i].Format = domain.SourceFormat{Kind: domain.FormatJSON, Columns: []domain.Declared{{Name: "record", Type: "STRING"}, {Name: "load", Type: "FLOAT"}}}
	}
	broken := `{"record":"secret","load":"x"}`
	at := place{"nanjing", 0}
	ref := w.append(run(at.source, 0, 0, 4, recordBatch(0, `{"load":1.50,"record":{"a": [1]}}`, broken, `{}`, `not json`)))
	w.moved(open(w, w.process()), ref)
	var got []string
	for _, r := range w.hubRecords(2) {
		got = append(got, string(r.Value))
	}
	want := []string{`{"city":"320100","record":"{\"a\":[1]}","load":1.5}`, `{"city":"320100","record":null,"load":null}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, e := range w.history() {
		c, ok := e.(*domain.HubCommitted)
		if !ok {
			continue
		}
		listed := []domain.Exclusion{
			{Ingest: ref.Seq, Ordinal: 1, Offset: 1, Count: 1, Reason: domain.ExcludedUnreadable, Digest: sha256.Sum256([]byte(broken)), Detail: "column load: not a FLOAT"},
			{Ingest: ref.Seq, Ordinal: 3, Offset: 3, Count: 1, Reason: domain.ExcludedUnreadable, Digest: sha256.Sum256([]byte("not json")), Detail: "not a JSON object"},
		}
		if diff := cmp.Diff(listed, c.Excluded); diff != "" {
			t.Error(diff)
		}
		if len(c.Runs) != 2 || c.Runs[1].First != 2 {
			t.Errorf("runs %+v", c.Runs)
		}
	}
}

// TestFormatIsRefused: a format that a source does not fit is said before anything is open.
func TestFormatIsRefused(t *testing.T) {
	w := newWorld(t)
	w.cfg.Pipeline.Format.Columns[2].Type = "BYTES"
	_, err := hub.New(w.cfg, w.j, 1, 1, projections.Incidents{}, projections.NewReporter(w.stream()), slog.New(slog.DiscardHandler))
	const want = "hub of shard 0: source nanjing: hub column record: type BYTES, the record is STRING; allowed: STRING"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	w.cfg.Pipeline.Format = domain.FlinkFormat()
	w.cfg.Pipeline.Sources[0].Format.Charset = "EBCDIC"
	if _, err := hub.New(w.cfg, w.j, 1, 1, projections.Incidents{}, projections.NewReporter(w.stream()), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a charset that nobody knows is taken")
	}
}
