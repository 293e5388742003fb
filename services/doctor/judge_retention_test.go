package doctor

import (
	"testing"
	"time"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

func TestRetention(t *testing.T) {
	const hour = time.Hour
	const forever = -1
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }
	part := func(cursor, first, end int64) partFacts {
		return partFacts{id: 2, cursor: cursor, bounds: kafkaconn.Bounds{LogStart: first, LSO: end, HighWatermark: end}}
	}
	for _, c := range []struct {
		what           string
		keep           time.Duration
		bytes          int64
		cursor         partFacts
		oldest, unread time.Duration // ages; 0: not known
		verdict        Verdict
		found          string
	}{
		{"nothing unread", 168 * hour, forever, part(10, 0, 10), 0, 0, Good, "nothing is unread; kept for 7 d 0 h"},
		{"nothing unread, kept shortly", 2 * hour, forever, part(10, 0, 10), 0, 0, Note, "kept for 2 h 0 min"},
		{"kept for ever", forever, forever, part(0, 0, 10), 0, 0, Good, "10 offsets unread; kept for ever"},
		{"plenty of time", 168 * hour, forever, part(4, 0, 10), 0, 24 * hour, Good, "6 d 0 h left for partition 2 by retention.ms; 6 offsets unread"},
		{"a day left", 48 * hour, forever, part(4, 0, 10), 0, 25 * hour, Note, "23 h 0 min left"},
		{"a night left", 48 * hour, forever, part(4, 0, 10), 0, 41 * hour, Bad, "7 h 0 min left"},
		{"over", 48 * hour, forever, part(4, 0, 10), 0, 50 * hour, Bad, "partition 2 is 2 h 0 min past retention.ms"},
		// A log of 100 rows that came in 100 h: one an hour; 5 are before the cursor.
		{"by size", 1000 * hour, 1 << 30, part(5, 0, 100), 100 * hour, 95 * hour, Bad, "5 h 0 min left for partition 2 by retention.bytes"},
		{"by size, far", 1000 * hour, 1 << 30, part(90, 0, 100), 100 * hour, 10 * hour, Good, "3 d 18 h left for partition 2 by retention.bytes"},
		{"by time before size", 100 * hour, 1 << 30, part(90, 0, 100), 100 * hour, 90 * hour, Note, "10 h 0 min left for partition 2 by retention.ms"},
		{"deleted unread", 168 * hour, forever, part(3, 5, 10), 0, 0, Bad, "2 offsets were deleted before they were read (position of the journal)"},
		{"position unknown", 168 * hour, forever, part(-1, 0, 10), 0, 0, Unchecked, "is not known"},
		{"time not told", 168 * hour, forever, part(3, 0, 10), 0, 0, Unchecked, "was not told"},
		{"as good as ever", 1<<63 - 1, forever, part(3, 0, 10), 0, hour, Good, "left"},
	} {
		f := topicFacts{name: "rows", broker: "a:1", limits: kafkaconn.TopicLimits{Known: true, Retention: c.keep, RetentionBytes: c.bytes}, parts: []partFacts{c.cursor}}
		if c.oldest > 0 {
			f.parts[0].oldest = ago(c.oldest)
		}
		if c.unread > 0 {
			f.parts[0].unread = ago(c.unread)
		}
		var s system
		f.judgeRetention(&s, "the journal", noon)
		t.Run(c.what, func(t *testing.T) { judged{"retention of rows", c.verdict, c.found}.demand(t, s.checks) })
	}
	f := topicFacts{name: "rows"}
	var s system
	f.judgeRetention(&s, "", noon)
	judged{"retention of rows", Unchecked, "may not read"}.demand(t, s.checks)
}

// The partition with the least time counts.
func TestRetentionOfTheWorstPartition(t *testing.T) {
	f := topicFacts{name: "rows", limits: kafkaconn.TopicLimits{Known: true, Retention: 48 * time.Hour, RetentionBytes: -1}}
	for id, age := range []time.Duration{time.Hour, 45 * time.Hour, 2 * time.Hour} {
		f.parts = append(f.parts, partFacts{id: int32(id), bounds: kafkaconn.Bounds{HighWatermark: 10}, unread: noon.Add(-age)})
	}
	var s system
	f.judgeRetention(&s, "", noon)
	judged{"retention of rows", Bad, "3 h 0 min left for partition 1 by retention.ms; 30 offsets unread"}.demand(t, s.checks)
}
