package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/hefu-io/hefu/journal/batch"
)

// Cut makes the stand-in lose everything that a partition has from an offset on, as an unclean
// leader election does: it is stopped, what it has on disk is cut, and it comes back at the same
// address. A record batch is lost whole, and with it what the partition knows of producers. It
// returns where the partition ends now. A transaction whose marker is lost shows its rows; on a real
// Kafka it is open for ever, and hides them.
func (s *Server) Cut(ctx context.Context, topic string, partition int32, offset int64) (end int64, err error) {
	s.cluster.Close()
	data := filepath.Join(s.dir, dataDir)
	end, err = cutPartition(filepath.Join(data, "partitions", fmt.Sprintf("%s-%d", url.PathEscape(topic), partition)), offset)
	if err == nil {
		err = forgetProducers(filepath.Join(data, "seq_windows.json"), topic, partition)
	}
	err = errors.Join(err, os.Remove(filepath.Join(s.dir, runningFile)), s.open(ctx))
	if err != nil {
		return 0, fmt.Errorf("cut %s/%d at %d in kafka stand-in %s: %w", topic, partition, offset, s.dir, err)
	}
	return end, nil
}

// indexEntry is the size of what an index file has of each batch.
const indexEntry = 15

// cutPartition cuts the segments of a partition and what its snapshot says of them: without the
// snapshot the stand-in would take the last transaction for an aborted one.
func cutPartition(dir string, offset int64) (end int64, err error) {
	var snap map[string]any
	if err := readJSON(filepath.Join(dir, "snapshot.json"), &snap); err != nil {
		return 0, err
	}
	segments, _ := snap["segments"].([]any)
	var left []any
	for _, of := range segments {
		segment, _ := of.(map[string]any)
		base, _ := segment["base_offset"].(json.Number)
		file := filepath.Join(dir, base.String()+".dat")
		size, batches, last, err := keptOf(file, offset)
		if err != nil {
			return 0, err
		}
		index := filepath.Join(dir, base.String()+".idx")
		if batches == 0 {
			if err := errors.Join(os.Remove(file), os.Remove(index)); err != nil {
				return 0, err
			}
			continue
		}
		if err := errors.Join(os.Truncate(file, size), os.Truncate(index, int64(batches)*indexEntry)); err != nil {
			return 0, err
		}
		segment["size"] = size
		left, end = append(left, segment), last
	}
	snap["segments"], snap["high_watermark"], snap["last_stable_offset"] = left, end, end
	snap["aborted_txns"] = abortedBefore(snap["aborted_txns"], end)
	return end, writeJSON(filepath.Join(dir, "snapshot.json"), snap)
}

// abortedBefore is what is left of a list of aborted transactions. One whose marker is lost is left
// out: readers would take the next transaction of its producer for a part of it.
func abortedBefore(of any, end int64) []any {
	list, _ := of.([]any)
	return slices.DeleteFunc(list, func(of any) bool {
		txn, _ := of.(map[string]any)
		last, _ := txn["last_offset"].(json.Number)
		at, err := last.Int64()
		return err != nil || at >= end
	})
}

// keptOf is how much of a segment lies before an offset: in bytes, in batches, and where it ends.
func keptOf(file string, offset int64) (size int64, batches int, end int64, err error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return 0, 0, 0, err
	}
	for rest := raw; len(rest) > 0; batches++ {
		h, b, after, err := batch.Next(rest)
		if err != nil {
			return 0, 0, 0, fmt.Errorf("%s at byte %d: %w", file, size, err)
		}
		if h.LastOffset() >= offset {
			break
		}
		rest, size, end = after, size+int64(len(b)), h.LastOffset()+1
	}
	return size, batches, end, nil
}

// forgetProducers takes away the sequences that producers have reached in a partition.
func forgetProducers(file, topic string, partition int32) error {
	var known map[string]any
	if err := readJSON(file, &known); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	windows, _ := known["windows"].([]any)
	known["windows"] = slices.DeleteFunc(windows, func(of any) bool {
		w, _ := of.(map[string]any)
		return w["topic"] == topic && fmt.Sprint(w["partition"]) == fmt.Sprint(partition)
	})
	return writeJSON(file, known)
}

// readJSON keeps numbers as they are written: a producer's id does not fit into a float.
func readJSON(file string, into any) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	d := json.NewDecoder(f)
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

func writeJSON(file string, of any) error {
	b, err := json.Marshal(of)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, b, 0o644)
}
