package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/services/config"
)

// hubRow is one row of the hub topic.
type hubRow struct {
	partition     int32 // of the hub
	cityPartition int32
	offset        int64
	timestamp     int64 // ms
	cityOffset    int64
	cityTime      string
	extract       string
	record        uint64
	null          bool
	extra         bool // doubled or strayed: nobody expects it further on
	city          string
}

// hubValue is the hub's JSON, read by name.
type hubValue struct {
	City          string  `json:"sscsdm"`
	Extract       string  `json:"extract_time"`
	Record        *string `json:"record"`
	CityPartition int32   `json:"city_partition_id"`
	CityOffset    int64   `json:"city_offset_id"`
	CityTime      string  `json:"city_ts"`
}

// readHub reads all rows of the hub topic.
func readHub(ctx context.Context, h config.Hub, each func(*hubRow) error) error {
	same := map[string]string{} // times repeat; one copy of each text
	intern := func(s string) string {
		if have, ok := same[s]; ok {
			return have
		}
		if len(same) > 1<<16 {
			clear(same)
		}
		same[s] = s
		return s
	}
	err := readTopic(ctx, h.Config, h.Topic, func(r *kgo.Record) error {
		var v hubValue
		if err := json.Unmarshal(r.Value, &v); err != nil {
			return fmt.Errorf("row %d/%d is no hub row: %w", r.Partition, r.Offset, err)
		}
		row := &hubRow{
			partition: r.Partition, offset: r.Offset, timestamp: r.Timestamp.UnixMilli(), city: intern(v.City),
			cityPartition: v.CityPartition, cityOffset: v.CityOffset, cityTime: intern(v.CityTime), extract: intern(v.Extract), null: v.Record == nil,
		}
		if v.Record != nil {
			row.record = hash(*v.Record)
		}
		return each(row)
	})
	if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	return nil
}

func (r *hubRow) timeText(zone *time.Location) string {
	return timeText(time.UnixMilli(r.timestamp), zone)
}
