package realkafka

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hefu-io/hefu/journal/batch"
)

// Cut makes a broker that does not run lose what a partition has from an offset on, as an unclean
// leader election or an older copy of its disk does. Record batches are lost whole; what the
// broker derives from them it makes anew when it starts. It returns where the partition ends now.
func Cut(dir, topic string, partition int32, offset int64) (end int64, err error) {
	if b, err := Find(dir); err == nil {
		return 0, fmt.Errorf("cut %s/%d: kafka process %d runs in %s", topic, partition, b.PID(), dir)
	}
	at := filepath.Join(dir, "data", topic+"-"+strconv.Itoa(int(partition)))
	files, err := os.ReadDir(at)
	if err != nil {
		return 0, fmt.Errorf("cut %s/%d: %w", topic, partition, err)
	}
	var errs []error
	for _, f := range files { // by name, and so by offset
		name := filepath.Join(at, f.Name())
		switch filepath.Ext(name) {
		case ".log":
			base, err := strconv.ParseInt(strings.TrimSuffix(f.Name(), ".log"), 10, 64)
			if err == nil {
				end, err = cutSegment(name, base, end, offset)
			}
			errs = append(errs, err)
		case ".index", ".timeindex", ".txnindex", ".snapshot":
			errs = append(errs, os.Remove(name))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return 0, fmt.Errorf("cut %s/%d at %d: %w", topic, partition, offset, err)
	}
	return end, nil
}

// cutSegment cuts one segment, and removes one that has nothing before the offset unless it is the
// first; end is where the one before it ended.
func cutSegment(file string, base, end, offset int64) (int64, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return end, err
	}
	size, last := 0, base
	for rest := raw; len(rest) > 0; {
		h, b, after, err := batch.Next(rest)
		if errors.Is(err, batch.ErrTruncated) || err == nil && h.LastOffset() >= offset {
			break // files are made longer than they are full
		}
		if err != nil {
			return end, fmt.Errorf("%s at byte %d: %w", file, size, err)
		}
		rest, size, last = after, size+len(b), h.LastOffset()+1
	}
	if size == 0 && end > 0 {
		return end, os.Remove(file)
	}
	return last, os.Truncate(file, int64(size))
}
