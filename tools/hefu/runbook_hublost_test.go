package main

import (
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/devstack/kafka"
	"github.com/hefu-io/hefu/services/devstack/stack"
)

// hubTopicLost: somebody deletes the hub topic. There is a copy of the brokers' folders. Later on
// the end of a partition is lost.
func hubTopicLost(r *rehearsal) {
	live, backup := filepath.Join(r.dir, "hub"), filepath.Join(r.dir, "backup")
	r.lower()
	r.copies(live, backup)
	r.raise()
	r.plays["systemctl stop kafka"] = r.lower
	r.plays["rsync -a --delete /backup/kafka/ /var/lib/kafka/"] = func() { r.copies(backup, live) }
	r.plays["systemctl start kafka"] = r.raise
	r.plays["the end is lost"] = r.endIsLost
	r.plays["rows come"] = func() { r.sends(nanjing, 0, 50) }
	r.deletesTopic(stack.HubTopic)
	r.sends(nanjing, 0, 50)
}

// endIsLost takes from the first hub partition what came behind its first rows.
func (r *rehearsal) endIsLost() {
	r.Helper()
	all := 2*stack.CityPartitions*firstRows + 50
	r.until("all rows are in the table", func() bool { return r.count("") == all })
	r.says(fmt.Sprintf("hub-doris windows 4 open, %d rows", all), "status")
	r.stops()
	end := r.behind(0, firstRows)
	r.lower()
	broker, err := kafka.Open(r.Context(), kafka.Config{Dir: filepath.Join(r.dir, "hub"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		r.Fatal(err)
	}
	if _, err := broker.Cut(r.Context(), stack.HubTopic, 0, end); err != nil {
		r.Error(err)
	}
	if err := broker.Close(); err != nil {
		r.Fatal(err)
	}
	r.raise()
	r.starts()
}

// behind is the offset behind the nth row of a hub partition.
func (r *rehearsal) behind(partition int32, nth int) (end int64) {
	r.Helper()
	c := kafkaconn.Config{Brokers: []string{r.stack.Addresses().Hub}}
	cl, err := kafkaconn.Dial(c)
	if err != nil {
		r.Fatal(err)
	}
	defer cl.Close()
	bounds, err := kafkaconn.Offsets(r.Context(), cl, stack.HubTopic)
	if err != nil {
		r.Fatal(err)
	}
	n := 0
	err = kafkaconn.ReadStable(r.Context(), c, stack.HubTopic, bounds, func(one *kgo.Record) error {
		if one.Partition == partition && n < nth {
			n, end = n+1, one.Offset+1
		}
		return nil
	})
	if err != nil || n < nth {
		r.Fatalf("%d rows in hub partition %d: %v", n, partition, err)
	}
	return end
}
