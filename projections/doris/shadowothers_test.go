package doris_test

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/doris"
)

// TestRowsBefore: what the live table has before the shadow's first row of a partition, or in a
// partition of which that has none, cannot be the journal's; what lies behind, or nowhere, may be.
func TestRowsBefore(t *testing.T) {
	w, _ := changing(t, duplicate)
	const live, shadow = database + ".old", database + ".made"
	for _, table := range []string{live, shadow} { // the original job writes no places, so they may be NULL
		w.exec("CREATE TABLE " + table + " (hw_partition_id BIGINT NULL, hw_offset_id BIGINT NULL)" +
			" DUPLICATE KEY(hw_partition_id, hw_offset_id) DISTRIBUTED BY HASH(hw_partition_id) BUCKETS 1 PROPERTIES('replication_num' = '1')")
	}
	into := func(table string, places ...domain.RowKey) {
		t.Helper()
		for _, k := range places {
			_, err := w.db.ExecContext(w.ctx, "INSERT INTO "+table+" (hw_partition_id, hw_offset_id) VALUES (?, ?)", k.Partition, k.Offset)
			must(t, err)
		}
	}
	counts := func(want int64) {
		t.Helper()
		got, err := doris.RowsBefore(w.ctx, w.cluster(), live, shadow, 4)
		must(t, err)
		if got != want {
			t.Errorf("%d rows are of somebody before, want %d", got, want)
		}
	}
	counts(0)
	into(shadow, domain.RowKey{Partition: 0, Offset: 10}, domain.RowKey{Partition: 0, Offset: 11}, domain.RowKey{Partition: 1, Offset: 0})
	counts(0)
	into(live, domain.RowKey{Partition: 0, Offset: 10}, domain.RowKey{Partition: 0, Offset: 99}, domain.RowKey{Partition: 1, Offset: 0},
		domain.RowKey{Partition: 4, Offset: 0}, domain.RowKey{Partition: -1, Offset: 0})
	counts(0)
	into(live, domain.RowKey{Partition: 0, Offset: 8}, domain.RowKey{Partition: 0, Offset: 9}, domain.RowKey{Partition: 0, Offset: 9})
	counts(3)
	into(live, domain.RowKey{Partition: 2, Offset: 1000})
	counts(4)
	w.exec("INSERT INTO " + live + " (hw_partition_id, hw_offset_id) VALUES (NULL, NULL)")
	w.exec("INSERT INTO " + live + " (hw_partition_id, hw_offset_id) VALUES (NULL, NULL)")
	counts(6)
}
