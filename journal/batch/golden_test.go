package batch_test

import (
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/journal/batch"
)

// TestGolden reads what Apache Kafka's own classes wrote (testdata/java/Golden.java)
// and compares with what they read back.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/java/*.bin")
	if err != nil || len(files) != 13 {
		t.Fatalf("golden files: %d, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			section, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(strings.TrimSuffix(file, ".bin") + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), transcript(t, section)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// transcript writes a section down as Golden.java does.
func transcript(t *testing.T, section []byte) string {
	t.Helper()
	var out strings.Builder
	var d batch.Decoder
	for len(section) > 0 {
		if err := batch.CheckCRC(section); err != nil {
			t.Fatal(err)
		}
		h, b, rest, err := batch.Next(section)
		if err != nil {
			t.Fatal(err)
		}
		section = rest
		fmt.Fprintf(&out, "batch %d-%d size=%d epoch=%d crc=%08x codec=%s txn=%t control=%t append=%t max=%d pid=%d/%d seq=%d count=%d\n",
			h.BaseOffset, h.LastOffset(), h.Size, h.LeaderEpoch, h.CRC, h.Codec(), h.Transactional(), h.Control(),
			h.LogAppendTime(), h.MaxTimestamp, h.ProducerID, h.ProducerEpoch, h.BaseSequence, h.Count)
		err = d.Batch(h, b, 0, h.LastOffset()+1, func(r *batch.Record) error {
			fmt.Fprintf(&out, "%d %d %s %s", r.Offset, r.Timestamp, digest(r.Key), digest(r.Value))
			for k, v := range r.Headers() {
				fmt.Fprintf(&out, " %s=%s", digest(k), digest(v))
			}
			out.WriteByte('\n')
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

func digest(b []byte) string {
	if b == nil {
		return "null"
	}
	return fmt.Sprintf("%d:%08x", len(b), crc32.ChecksumIEEE(b))
}

// TestGoldenMarkers reads the end-of-transaction markers of Kafka itself.
func TestGoldenMarkers(t *testing.T) {
	section, err := os.ReadFile("testdata/java/transaction.bin")
	if err != nil {
		t.Fatal(err)
	}
	got := map[int64]batch.ControlType{}
	var d batch.Decoder
	for rest := section; len(rest) > 0; {
		var h batch.Header
		var b []byte
		if h, b, rest, err = batch.Next(rest); err != nil {
			t.Fatal(err)
		}
		if !h.Control() {
			continue
		}
		err := d.Batch(h, b, 0, 1<<62, func(r *batch.Record) error {
			ct, err := batch.ParseControlType(r.Key)
			got[r.Offset] = ct
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := map[int64]batch.ControlType{1012: batch.CommitMarker, 1013: batch.AbortMarker}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	rows := 0
	if err := d.Records(section, 0, 1<<62, func(*batch.Record) error { rows++; return nil }); err != nil || rows != 12 {
		t.Errorf("Records gave %d rows, %v; want 12 without the markers", rows, err)
	}
	if _, err := batch.ParseControlType([]byte{0, 0, 0}); err == nil {
		t.Error("a key of three bytes was taken for a marker")
	}
}
