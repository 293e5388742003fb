package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// launcher is the command that runs a file of Flink SQL until it is killed.
type launcher string

// start runs the job that Hefu replaces, as its document gives it with what it needs
// to be exactly once: delivery guarantee, a transactional id, a checkpoint each second.
func (l launcher) start(_ context.Context, j job) (*process, error) {
	file := filepath.Join(j.dir, "job.sql")
	if err := os.WriteFile(file, []byte(flinkSQL(j)), 0o644); err != nil {
		return nil, err
	}
	words := strings.Fields(string(l))
	return start(j.dir, nameFlink, words[0], append(words[1:], file)...)
}

func flinkSQL(j job) string {
	var b strings.Builder
	b.WriteString(`SET 'execution.checkpointing.interval' = '1s';
SET 'parallelism.default' = '2';
SET 'table.local-time-zone' = 'Asia/Shanghai';
`)
	for _, c := range j.cities {
		fmt.Fprintf(&b, `CREATE TABLE SOURCE_%s (
  record STRING,
  city_partition_id BIGINT METADATA FROM 'partition' VIRTUAL,
  city_offset_id BIGINT METADATA FROM 'offset' VIRTUAL,
  city_ts TIMESTAMP(3) METADATA FROM 'timestamp' VIRTUAL
) WITH (
  'connector' = 'kafka', 'topic' = '%s', 'properties.bootstrap.servers' = '%s', 'properties.group.id' = '%s',
  'scan.startup.mode' = 'earliest-offset', 'properties.isolation.level' = 'read_committed', 'format' = 'raw'
);
`, c.code, c.topic, j.addr, j.name)
	}
	fmt.Fprintf(&b, `CREATE TABLE HUB (
  sscsdm STRING, extract_time TIMESTAMP(3), record STRING, city_partition_id BIGINT, city_offset_id BIGINT, city_ts TIMESTAMP(3)
) WITH (
  'connector' = 'kafka', 'topic' = '%s', 'properties.bootstrap.servers' = '%s', 'format' = 'json',
  'properties.transaction.timeout.ms' = '900000', 'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '%s'
);
INSERT INTO HUB
`, j.hub, j.addr, j.name)
	for i, c := range j.cities {
		if i > 0 {
			b.WriteString("UNION ALL\n")
		}
		fmt.Fprintf(&b, "SELECT '%s', CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)), record, city_partition_id, city_offset_id, city_ts FROM SOURCE_%s\n", c.code, c.code)
	}
	b.WriteString(";\n")
	return b.String()
}
