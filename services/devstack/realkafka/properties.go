package realkafka

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// properties is the broker's configuration: one node that is broker and
// controller, quick enough for tests. Extra settings win.
func properties(dir string, port, controller int, extra map[string]string) string {
	p := map[string]string{
		"process.roles":                  "broker,controller",
		"node.id":                        "1",
		"controller.quorum.voters":       fmt.Sprintf("1@127.0.0.1:%d", controller),
		"controller.listener.names":      "CONTROLLER",
		"inter.broker.listener.name":     "PLAINTEXT",
		"listeners":                      fmt.Sprintf("PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d", port, controller),
		"advertised.listeners":           fmt.Sprintf("PLAINTEXT://127.0.0.1:%d", port),
		"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs":                       filepath.Join(dir, "data"),
		"auto.create.topics.enable":      "false",

		// Internal topics: one node cannot hold the three replicas that are the
		// default, and fifty partitions each only make the start slow.
		"offsets.topic.replication.factor":                 "1",
		"offsets.topic.num.partitions":                     "4",
		"transaction.state.log.replication.factor":         "1",
		"transaction.state.log.min.isr":                    "1",
		"transaction.state.log.num.partitions":             "4",
		"share.coordinator.state.topic.replication.factor": "1",
		"share.coordinator.state.topic.min.isr":            "1",

		// A broker that was killed may return only after its registration has
		// expired: 9 s by default, and then another few. With much less than 3 s a
		// busy machine expires brokers that live.
		"broker.session.timeout.ms":    "3000",
		"broker.heartbeat.interval.ms": "500",
		// Compaction and retention that a test can wait for.
		"log.cleaner.backoff.ms":           "500",
		"log.retention.check.interval.ms":  "1000",
		"log.initial.task.delay.ms":        "500",
		"group.initial.rebalance.delay.ms": "0",
	}
	maps.Copy(p, extra)
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&b, "%s=%s\n", k, p[k])
	}
	return b.String()
}
