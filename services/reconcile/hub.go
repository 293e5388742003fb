package reconcile

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/services/config"
)

// hubRow is one row of the hub topic.
type hubRow struct {
	partition     int32 // of the hub
	cityPartition int64
	offset        int64
	timestamp     int64 // ms
	cityOffset    int64
	cityTime      string
	extract       string
	record        uint64
	null          bool
	part          *partition // that it says, or the journal says, it comes from
	filled        int16      // 1 + the place in the format's nulls of a column that is not NULL
	unplaced      bool       // which city row it is cannot be said: no city column is compared
	extra         bool       // doubled or strayed: nobody expects it further on
	city          string
	broken        string // why it is no row of the hub's format
}

// texts keeps one copy of each text: times repeat.
type texts map[string]string

func (t texts) one(s string) string {
	if have, ok := t[s]; ok {
		return have
	}
	if len(t) > 1<<16 {
		clear(t)
	}
	t[s] = s
	return s
}

// readHub reads all rows of the hub topic that wanted says yes to, and where each partition
// of its log begins. A record that is no row of the hub's format is handed over as broken.
func readHub(ctx context.Context, h config.Hub, f *hubFormat, wanted func(partition int32, offset int64) bool, each func(*hubRow) error) (map[int32]int64, error) {
	same := texts{}
	starts, err := readTopic(ctx, h.Config, h.Topic, false, func(r *kgo.Record) error {
		if !wanted(r.Partition, r.Offset) {
			return nil
		}
		row := &hubRow{partition: r.Partition, offset: r.Offset, timestamp: r.Timestamp.UnixMilli(), cityPartition: nullNumber, cityOffset: nullNumber}
		if err := row.parse(r.Value, f, same); err != nil {
			row.broken = err.Error()
		}
		return each(row)
	})
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	return starts, nil
}

func (r *hubRow) timeText(zone *time.Location) string {
	return timeText(time.UnixMilli(r.timestamp), zone)
}
