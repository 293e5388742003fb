package doris_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
)

// TestTableRefused: a table that does not fit ends the first start with exit code 2, all
// of what is wrong and the statements that mend it; nothing is begun, let alone loaded.
func TestTableRefused(t *testing.T) {
	const alter = "ALTER TABLE `ods`.`ODS_QL_JC_SSJC` "
	for name, c := range map[string]struct {
		old, replacement string // in the statement that makes the table
		model            string // in hefu.yaml
		says             []string
	}{
		"missing column":  {"city_ts DATETIME(3) NOT NULL,", "", "", []string{"column city_ts DATETIME(3) is missing", alter + "ADD COLUMN `city_ts` DATETIME(3) NULL;"}},
		"wrong type":      {"city_offset_id BIGINT", "city_offset_id INT", "", []string{"column city_offset_id is int: ", alter + "MODIFY COLUMN `city_offset_id` BIGINT NOT NULL;"}},
		"digits lost":     {"DATETIME(6)", "DATETIME(3)", "", []string{"column extract_time is datetime(3): it rounds to 3 digits", alter + "MODIFY COLUMN `extract_time` DATETIME(6) NOT NULL;"}},
		"short VARCHAR":   {"VARCHAR(16)", "VARCHAR(5)", "", []string{"column sscsdm is varchar(5): it is too short, the longest city code has 6 bytes", alter + "MODIFY COLUMN `sscsdm` VARCHAR(16) NOT NULL;"}},
		"record NOT NULL": {"record STRING NULL", "record STRING NOT NULL", "", []string{"column record is string: it is NOT NULL", alter + "MODIFY COLUMN `record` STRING NULL;"}},
		"not filled":      {"hw_ts DATETIME(3) NOT NULL", "hw_ts DATETIME(3) NOT NULL, n INT NOT NULL", "", []string{"column n is NOT NULL without a default", alter + "MODIFY COLUMN `n` INT NULL;"}},
		"key too short":   {"UNIQUE KEY(hw_partition_id, hw_offset_id) DISTRIBUTED BY HASH(hw_partition_id, hw_offset_id)", "UNIQUE KEY(hw_partition_id) DISTRIBUTED BY HASH(hw_partition_id)", "", []string{"its UNIQUE key is (hw_partition_id), which does not hold", "CREATE TABLE `ods`.`ODS_QL_JC_SSJC` (", "UNIQUE KEY (hw_partition_id, hw_offset_id)"}},
		"key too long":    {"UNIQUE KEY(hw_partition_id, hw_offset_id)", "UNIQUE KEY(hw_partition_id, hw_offset_id, sscsdm)", "", []string{"its UNIQUE key is (hw_partition_id, hw_offset_id, sscsdm), which does not hold", "CREATE TABLE"}},
		"other model":     {"", "", "duplicate", []string{"it has a UNIQUE key and doris.model says duplicate", "CREATE TABLE", "DUPLICATE KEY ("}},
		"two at once":     {"record STRING NULL, city_partition_id BIGINT", "city_partition_id SMALLINT", "", []string{"record STRING is missing", "city_partition_id is smallint", "ADD COLUMN `record` STRING NULL; ALTER TABLE"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			statement := strings.Replace(ddl(unique), c.old, c.replacement, 1)
			if c.old != "" && statement == ddl(unique) {
				t.Fatalf("%q is not in the statement", c.old)
			}
			w.exec(statement)
			w.cfg.Model = c.model
			w.Feed()
			err := <-w.start().done
			var refused *projections.Refusal
			if !errors.As(err, &refused) || refused.ExitCode() != 2 || !contains(err.Error(), append(c.says, "table ods.ODS_QL_JC_SSJC does not fit: ", "nothing is loaded")...) {
				t.Errorf("ended with %v", err)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Error("the error is more than a line")
			}
			if all := events[*domain.DorisBegun](w); len(all) > 0 {
				t.Errorf("begun: %+v", all)
			}
			w.keepsSecrets()
		})
	}
}

// TestTableTaken: what a table may have beyond the nine columns.
func TestTableTaken(t *testing.T) {
	for name, c := range map[string]struct{ model, old, replacement string }{
		"unique":          {unique, "", ""},
		"duplicate":       {duplicate, "", ""},
		"other key":       {duplicate, "DUPLICATE KEY(hw_partition_id, hw_offset_id)", "DUPLICATE KEY(hw_partition_id)"},
		"further columns": {unique, "hw_ts DATETIME(3) NOT NULL", "hw_ts DATETIME(3) NULL, note VARCHAR(3) NULL, n INT NOT NULL DEFAULT \"3\""},
		"narrow partition, wide code": {
			unique, "sscsdm VARCHAR(16) NOT NULL, extract_time DATETIME(6) NOT NULL, record STRING NULL, city_partition_id BIGINT",
			"sscsdm STRING NOT NULL, extract_time DATETIME(6) NOT NULL, record STRING NULL, city_partition_id INT",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			w.exec(strings.Replace(strings.Replace(ddl(c.model), "\n\t", " ", -1), c.old, c.replacement, 1))
			w.cfg.Model = strings.ToLower(c.model)
			w.opened()
			p := w.start()
			p.until(w.Feed())
			p.stop()
			w.Tally()
		})
	}
}

// TestRecordIsBounded: a VARCHAR decides how long a record may be, which is said.
func TestRecordIsBounded(t *testing.T) {
	w := newWorld(t, "")
	w.exec(strings.Replace(ddl(unique), "record STRING", "record VARCHAR(300)", 1))
	w.opened()
	p := w.start()
	part := w.plain("nanjing", 0, 3)
	part.records[0].value = []byte(strings.Repeat("x", 300))
	part.records[1].value = []byte(strings.Repeat("x", 301))
	w.lose = map[int64]bool{1: true}
	at := w.feed(part)
	w.lose = nil
	p.until(at)
	p.stop()
	for _, ev := range events[*domain.DorisBegun](w) {
		if ev.Probe != nil || len(ev.Excluded) > 0 && ev.Excluded[0].Reason != domain.ExcludedTooLargeDoris {
			t.Errorf("Doris was asked for what is known: %+v", ev)
		}
	}
	if s := p.reporter.Status(); s.Excluded != 1 {
		t.Errorf("%d rows are excluded", s.Excluded)
	}
	w.Tally()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !contains(w.log.String(), "column record decides how long a record may be", "varchar(300)", "bytes=300") {
		t.Errorf("log: %s", w.log)
	}
}

// TestTableChangedLater: once a leg was open, a table that does not fit is waited for.
func TestTableChangedLater(t *testing.T) {
	w := newWorld(t, unique)
	w.opened()
	p := w.start()
	p.until(w.Feed())
	w.exec("DROP TABLE " + database + "." + tableName)
	w.exec(strings.Replace(ddl(unique), "DATETIME(6)", "DATETIME(0)", 1))
	w.wire.arm("load", lost)
	w.Feed()
	s := eventually(w, "being refused", func() (projections.Status, bool) {
		s := p.reporter.Status()
		return s, strings.Contains(s.Error, "extract_time is datetime: ")
	})
	if s.State != projections.StateRetrying && s.State != projections.StateOpening {
		t.Errorf("leg is %s", s.State)
	}
	w.exec("DROP TABLE " + database + "." + tableName)
	w.exec(ddl(unique))
	p.reaches(projections.StateRunning)
	p.stop()
}
