package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/hefu-io/hefu/services/devstack/stack"
)

// spoilHub alters one byte of a record in the files of a hub that is down, or puts it
// back, and makes the batch's checksum fit: what no protocol allows, and a disk, or
// whoever writes to it, does.
func spoilHub(t *testing.T, dir string, r row, spoil bool) {
	t.Helper()
	file := filepath.Join(dir, "hub", "data", "partitions", fmt.Sprintf("%s-%d", stack.HubTopic, r.hubPartition), "0.dat")
	log, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	was, now := []byte("value"), []byte("walue")
	if !spoil {
		was, now = now, was
	}
	for at := 0; at < len(log); {
		// A batch: base offset (8), length (4), epoch (4), magic (1), CRC (4) of all after it,
		// attributes (2), last offset delta (4).
		end := at + 12 + int(binary.BigEndian.Uint32(log[at+8:]))
		base, last := int64(binary.BigEndian.Uint64(log[at:])), int64(binary.BigEndian.Uint32(log[at+23:]))
		if r.hubOffset < base || r.hubOffset > base+last {
			at = end
			continue
		}
		id := fmt.Appendf(nil, `"city_partition_id":%d,"city_offset_id":%d,`, r.cityPart, r.cityOffset)
		row := bytes.Index(log[at:end], id)
		value := bytes.LastIndex(log[at:at+max(row, 0)], was)
		if value < 0 {
			t.Fatalf("the batch of hub row %d/%d does not hold it uncompressed", r.hubPartition, r.hubOffset)
		}
		copy(log[at+value:], now)
		binary.BigEndian.PutUint32(log[at+17:], crc32.Checksum(log[at+21:end], crc32.MakeTable(crc32.Castagnoli)))
		if err := os.WriteFile(file, log, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("%s holds no batch with offset %d", file, r.hubOffset)
}
