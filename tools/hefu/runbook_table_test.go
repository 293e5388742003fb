package main

import (
	"fmt"
	"path/filepath"
)

// lostRowsInDoris: somebody deletes rows of the table by hand.
func lostRowsInDoris(r *rehearsal) {
	r.exec("DELETE FROM ods.ODS_QL_JC_SSJC WHERE sscsdm = '320100' AND city_partition_id = 0 AND city_offset_id >= 20 AND city_offset_id < 24")
}

// doubledRows: somebody loads rows of the hub a second time, with a script that counts their
// offsets from a number of its own.
func doubledRows(r *rehearsal) {
	rows, err := r.db.QueryContext(r.Context(), `SELECT hw_partition_id, hw_offset_id, sscsdm, extract_time, record, city_partition_id, city_offset_id, city_ts, hw_ts
		FROM ods.ODS_QL_JC_SSJC WHERE sscsdm = '320200' AND city_partition_id = 1 AND city_offset_id >= 100 AND city_offset_id < 104`)
	if err != nil {
		r.Fatal(err)
	}
	defer rows.Close()
	var all []row
	for rows.Next() {
		var c row
		if err := rows.Scan(&c.hubPartition, &c.hubOffset, &c.city, &c.extract, &c.record, &c.cityPart, &c.cityOffset, &c.cityTime, &c.hubTime); err != nil {
			r.Fatal(err)
		}
		all = append(all, c)
	}
	if err := rows.Err(); err != nil || len(all) != 4 {
		r.Fatalf("%d rows: %v", len(all), err)
	}
	for i, c := range all {
		r.exec("INSERT INTO ods.ODS_QL_JC_SSJC (hw_partition_id, hw_offset_id, sscsdm, extract_time, record, city_partition_id, city_offset_id, city_ts, hw_ts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			c.hubPartition, 1_000_000+i, c.city, c.extract, c.record, c.cityPart, c.cityOffset, c.cityTime, c.hubTime)
	}
}

// dorisRestored: Doris is put back from a backup, and rows were loaded since it was made.
func dorisRestored(r *rehearsal) {
	live, backup := filepath.Join(r.dir, "doris"), filepath.Join(r.dir, "backup")
	r.lower()
	r.copies(live, backup)
	r.raise()
	before := r.count("")
	r.sends(nanjing, 0, 80)
	r.sends(nanjing, 1, 40)
	r.until(fmt.Sprintf("%d rows are in the table", before+120), func() bool { return r.count("") == before+120 })
	r.says(fmt.Sprintf("hub-doris windows 4 open, %d rows", before+120), "status") // the journal has the outcome, too
	r.lower()
	r.copies(backup, live)
	r.raise()
}
