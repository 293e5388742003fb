package kafkaconn_test

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// TestBacklogs: rows are counted from where the group stands, or where others have taken
// them; markers and aborted rows are none, and what a transaction holds back is said.
func TestBacklogs(t *testing.T) {
	c := cluster(t)
	ctx, cl := deadline(t), dial(t, c)
	topic := newTopic(ctx, t, cl, 2, nil).Name
	group := unique("flink")
	count := func(done map[int32]int64) kafkaconn.Backlog {
		t.Helper()
		all, err := kafkaconn.Backlogs(ctx, c, topic, group, done)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != 2 || all[0].Partition != 0 || all[1].Partition != 1 || all[1].Rows != 0 || !all[1].Clear() {
			t.Fatalf("backlogs: %+v", all)
		}
		return all[0]
	}
	same := func(name string, got, want kafkaconn.Backlog, good bool, says string) {
		t.Helper()
		if got != want || got.Clear() != good || !strings.Contains(got.String(), says) {
			t.Errorf("%s: %+v (%q, clear %t), want %+v", name, got, got, got.Clear(), want)
		}
	}
	same("nothing", count(nil), kafkaconn.Backlog{}, true, "")

	w := newTxn(ctx, t, c)
	w.write(topic, 3)
	w.end(kgo.TryCommit) // rows 0 1 2, marker 3
	w.write(topic, 2)
	w.end(kgo.TryAbort) // 4 5, marker 6
	w.write(topic, 2)
	w.end(kgo.TryCommit) // rows 7 8, marker 9
	reaches(ctx, t, cl, topic, func(b kafkaconn.Bounds) bool { return b.LSO == 10 })
	same("without an offset", count(nil), kafkaconn.Backlog{Rows: 5, Stable: 10, End: 10}, false, "partition 0: 5 rows from 0 on, where the log begins: the group has no offset")

	commit := func(at int64) {
		t.Helper()
		if err := kafkaconn.CommitGroup(ctx, cl, group, topic, map[int32]int64{0: at}); err != nil {
			t.Fatal(err)
		}
	}
	commit(2)
	same("from the middle", count(nil), kafkaconn.Backlog{From: 2, Committed: true, Rows: 3, Stable: 10, End: 10}, false, "3 rows from 2 on")
	same("others took some", count(map[int32]int64{0: 8}), kafkaconn.Backlog{From: 8, Committed: true, Rows: 1, Stable: 10, End: 10}, false, "1 rows from 8 on")
	same("others took less", count(map[int32]int64{0: 1}), kafkaconn.Backlog{From: 2, Committed: true, Rows: 3, Stable: 10, End: 10}, false, "3 rows")
	commit(9) // behind the last row, before its marker
	same("all taken", count(nil), kafkaconn.Backlog{From: 9, Committed: true, Stable: 10, End: 10}, true, "0 rows from 9 on")

	w.write(topic, 1) // 10
	reaches(ctx, t, cl, topic, func(b kafkaconn.Bounds) bool { return b.HighWatermark == 11 })
	same("held back", count(nil), kafkaconn.Backlog{From: 9, Committed: true, Stable: 10, End: 11}, false, "an open transaction holds back offsets 10 to 10")
	w.end(kgo.TryAbort)

	gone := kafkaconn.Backlog{From: 3, Committed: true, LogStart: 7, Stable: 9, End: 9}
	if gone.Clear() || !strings.Contains(gone.String(), "offsets 3 to 6 were deleted before they were taken") {
		t.Errorf("deleted: %s", gone)
	}
}
