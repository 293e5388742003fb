package doris

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/deploy"
)

// good is the table of deploy/doris.sql as a front end describes it.
func good() *tableFacts {
	column := func(name, typ string, nullable bool) tableColumn {
		return tableColumn{name: name, typ: parseType(typ), nullable: nullable}
	}
	return &tableFacts{
		model: "UNIQUE", key: []string{"hw_partition_id", "hw_offset_id"},
		columns: []tableColumn{
			column("hw_partition_id", "bigint(20)", false), column("hw_offset_id", "bigint(20)", false),
			column("sscsdm", "varchar(16)", false), column("extract_time", "datetime(6)", false), column("record", "string", true),
			column("city_partition_id", "bigint(20)", false), column("city_offset_id", "bigint(20)", false),
			column("city_ts", "datetime(3)", false), column("hw_ts", "datetime(3)", false),
		},
	}
}

// with changes one column, adds it, or, without a type, takes it out.
func (t *tableFacts) with(name, typ string, null string, filled bool) *tableFacts {
	t.columns = slices.DeleteFunc(t.columns, func(c tableColumn) bool { return c.name == name })
	if typ != "" {
		t.columns = append(t.columns, tableColumn{name: name, typ: parseType(typ), nullable: null == "NULL", filled: filled})
	}
	return t
}

func keyed(model string, key ...string) *tableFacts {
	t := good()
	t.model, t.key = model, key
	return t
}

// TestMisfits: each way in which a table does not fit, and each in which it does.
func TestMisfits(t *testing.T) {
	type found struct{ what, alter string }
	for name, c := range map[string]struct {
		table *tableFacts
		model string
		city  int
		want  []found
	}{
		"as made":                    {table: good(), model: "unique", city: 16},
		"any model":                  {table: good(), city: 6},
		"other order, other case":    {table: keyed("UNIQUE", "HW_OFFSET_ID", "hw_partition_id"), model: "unique", city: 6},
		"duplicate, any key":         {table: keyed("DUPLICATE", "sscsdm", "extract_time"), model: "duplicate", city: 6},
		"duplicate, no key":          {table: keyed("DUPLICATE"), model: "duplicate", city: 6},
		"wider than needed":          {table: good().with("city_ts", "datetime(6)", "", false).with("sscsdm", "string", "NULL", false).with("hw_partition_id", "int(11)", "", false)},
		"older words":                {table: good().with("record", "text", "NULL", false).with("extract_time", "datetimev2(6)", "", false).with("city_offset_id", "bigint", "", false)},
		"record of a bounded length": {table: good().with("record", "varchar(65533)", "NULL", false)},
		"columns of others": {table: good().with("note", "array<varchar(3)>", "NULL", false).with("loaded", "datetime", "", true).
			with("__DORIS_DELETE_SIGN__", "tinyint(4)", "", false)},

		"no table": {table: &tableFacts{columns: good().columns}, want: []found{{"no table with rows of its own", ""}}},
		"missing":  {table: good().with("city_ts", "", "", false), want: []found{{"city_ts DATETIME(3) is missing", "ADD COLUMN `city_ts` DATETIME(3) NULL"}}},
		"missing in the key": {
			table: keyed("UNIQUE", "hw_partition_id").with("hw_offset_id", "", "", false),
			want:  []found{{"UNIQUE key is (hw_partition_id)", ""}, {"hw_offset_id BIGINT is missing", ""}},
		},
		"narrow offset": {table: good().with("city_offset_id", "int(11)", "", false), want: []found{{"city_offset_id is int: ", "MODIFY COLUMN `city_offset_id` BIGINT NOT NULL"}}},
		"narrow key":    {table: good().with("hw_offset_id", "int(11)", "", false), want: []found{{"hw_offset_id is int: ", "MODIFY COLUMN `hw_offset_id` BIGINT KEY NOT NULL"}}},
		"narrow partition": {
			table: good().with("city_partition_id", "smallint(6)", "NULL", false),
			want:  []found{{"city_partition_id is smallint: ", "MODIFY COLUMN `city_partition_id` BIGINT NULL"}},
		},
		"offset that is rounded": {table: good().with("city_offset_id", "double", "", false), want: []found{{"city_offset_id is double: ", ""}}},
		"short code": {
			table: good().with("sscsdm", "varchar(4)", "", false), city: 6,
			want: []found{{"sscsdm is varchar(4): it is too short, the longest city code has 6 bytes", "MODIFY COLUMN `sscsdm` VARCHAR(16) NOT NULL"}},
		},
		"short code, CHAR": {table: good().with("sscsdm", "char(5)", "", false), city: 6, want: []found{{"char(5): it is too short", "VARCHAR(16)"}}},
		"code as a number": {table: good().with("sscsdm", "int(11)", "", false), city: 6, want: []found{{"sscsdm is int: it must be a text", "VARCHAR(16)"}}},
		"digits lost": {
			table: good().with("extract_time", "datetime(3)", "", false).with("hw_ts", "datetime", "", false),
			want: []found{
				{"extract_time is datetime(3): it rounds to 3 digits of a second, a row has 6", "MODIFY COLUMN `extract_time` DATETIME(6) NOT NULL"},
				{"hw_ts is datetime: it rounds to 0 digits of a second, a row has 3", "MODIFY COLUMN `hw_ts` DATETIME(3) NOT NULL"},
			},
		},
		"moment with a zone": {table: good().with("city_ts", "timestamp(6)", "", false), want: []found{{"city_ts is timestamp(6): it must be a DATETIME", ""}}},
		"moment as a text":   {table: good().with("city_ts", "varchar(30)", "", false), want: []found{{"city_ts is varchar(30): it must be a DATETIME", ""}}},
		"record as JSON":     {table: good().with("record", "json", "NULL", false), want: []found{{"record is json: it must be a text", "MODIFY COLUMN `record` STRING NULL"}}},
		"record as VARIANT":  {table: good().with("record", "variant", "NULL", false), want: []found{{"record is variant: it must be a text", ""}}},
		"record must be":     {table: good().with("record", "string", "", false), want: []found{{"record is string: it is NOT NULL", "MODIFY COLUMN `record` STRING NULL"}}},
		"not filled": {
			table: good().with("load_day", "date", "", false),
			want:  []found{{"load_day is NOT NULL without a default", "MODIFY COLUMN `load_day` DATE NULL"}},
		},
		"not filled, in the key": {
			table: keyed("DUPLICATE", "load_day", "hw_partition_id").with("load_day", "date", "", false),
			want:  []found{{"load_day is NOT NULL without a default", ""}},
		},
		"key too long": {
			table: keyed("UNIQUE", "hw_partition_id", "hw_offset_id", "load_day").with("load_day", "date", "", false),
			want:  []found{{"UNIQUE key is (hw_partition_id, hw_offset_id, load_day), which does not hold", ""}},
		},
		"key too short":    {table: keyed("UNIQUE", "hw_partition_id"), want: []found{{"UNIQUE key is (hw_partition_id)", ""}}},
		"half another key": {table: keyed("UNIQUE", "hw_partition_id", "city_offset_id"), want: []found{{"UNIQUE key is (hw_partition_id, city_offset_id)", ""}}},
		"other key":        {table: keyed("UNIQUE", "city_partition_id", "city_offset_id"), want: []found{{"UNIQUE key is (city_partition_id, city_offset_id)", ""}}},
		"aggregate":        {table: keyed("AGGREGATE", "hw_partition_id", "hw_offset_id"), model: "unique", want: []found{{"aggregated", ""}}},
		"model unique":     {table: keyed("DUPLICATE", "sscsdm"), model: "unique", want: []found{{"DUPLICATE key and doris.model says unique: say doris.model: duplicate", ""}}},
		"model duplicate":  {table: good(), model: "duplicate", want: []found{{"UNIQUE key and doris.model says duplicate", ""}}},
		"all at once": {
			table: keyed("UNIQUE", "sscsdm").with("record", "", "", false).with("hw_ts", "date", "", false).with("n", "int(11)", "", false),
			model: "duplicate",
			want: []found{
				{"doris.model", ""},
				{"UNIQUE key is (sscsdm)", ""},
				{"record STRING is missing", "ADD COLUMN"},
				{"hw_ts is date", "DATETIME(3)"},
				{"column n is NOT NULL", "MODIFY COLUMN `n` INT NULL"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := misfits(c.table, c.model, rowNeeds{city: c.city})
			if len(got) != len(c.want) {
				t.Fatalf("found %q", got)
			}
			for i, w := range c.want {
				whole := regexp.MustCompile(`^(ADD|MODIFY)`).MatchString(w.alter)
				if !strings.Contains(got[i].what, w.what) || !strings.Contains(got[i].alter, w.alter) ||
					(w.alter == "") != (got[i].alter == "") || whole && len(w.alter) > 12 && got[i].alter != w.alter {
					t.Errorf("found %q", got[i])
				}
			}
		})
	}
}

// TestParseType reads what the versions of Doris call a type.
func TestParseType(t *testing.T) {
	for text, want := range map[string]columnType{
		"bigint(20)": {"bigint", 0}, "BIGINT": {"bigint", 0}, "int(11)": {"int", 0}, "integer": {"int", 0}, "largeint": {"largeint", 0},
		"varchar(16)": {"varchar", 16}, "VARCHAR": {"varchar", 65533}, "varchar(*)": {"varchar", 65533}, "char(3)": {"char", 3},
		"string": {"string", 0}, "text": {"string", 0}, "datetime": {"datetime", 0}, "datetime(6)": {"datetime", 6},
		"datetimev2(3)": {"datetime", 3}, "timestamp(6)": {"timestamp(6)", 0}, "decimalv3(9, 2)": {"decimalv3(9, 2)", 0},
		"array<varchar(3)>": {"array<varchar(3)>", 0}, "jsonb": {"json", 0}, "": {"", 0},
	} {
		if got := parseType(text); got != want {
			t.Errorf("%s is read as %+v", text, got)
		}
	}
}

// TestParseKey reads SHOW CREATE TABLE of Doris, and as somebody may have written it.
func TestParseKey(t *testing.T) {
	const columns = "CREATE TABLE `t` (\n  `a` bigint NOT NULL COMMENT \"AGGREGATE KEY(`no`)\",\n  `b` varchar(3) NULL COMMENT 'it''s UNIQUE KEY(z)'\n) ENGINE=OLAP\n"
	for ddl, want := range map[string]struct {
		model string
		key   []string
	}{
		columns + "UNIQUE KEY(`a`, `b`)\nCOMMENT 'OLAP'\nDISTRIBUTED BY HASH(`a`) BUCKETS 8":       {"UNIQUE", []string{"a", "b"}},
		columns + "DUPLICATE KEY(`a`)\nDISTRIBUTED BY RANDOM BUCKETS AUTO":                         {"DUPLICATE", []string{"a"}},
		columns + "AGGREGATE KEY(`a`)\nDISTRIBUTED BY HASH(`a`) BUCKETS 1":                         {"AGGREGATE", []string{"a"}},
		columns + "DISTRIBUTED BY RANDOM BUCKETS AUTO":                                             {"DUPLICATE", nil},
		"create table t (a int, b int) unique key (a,b) distributed by hash(a) buckets 1":          {"UNIQUE", []string{"a", "b"}},
		columns + "UNIQUE KEY(`a`)\nCLUSTER BY (`b`)\nPARTITION BY RANGE(`a`)()\nDISTRIBUTED BY …": {"UNIQUE", []string{"a"}},
	} {
		if model, key := parseKey(ddl); model != want.model || !slices.Equal(key, want.key) {
			t.Errorf("%s: %s %q", ddl, model, key)
		}
	}
}

func TestFillsItself(t *testing.T) {
	const ddl = "CREATE TABLE `t` (\n  `id` bigint NOT NULL AUTO_INCREMENT(1),\n  `d` decimal(9,2) NOT NULL DEFAULT \"0\",\n  `m` bigint NOT NULL COMMENT \"no DEFAULT\",\n" +
		"  `s` varchar(8) NOT NULL DEFAULT \"x\" COMMENT \"y\",\n  `g` int AS (`m` + 1) NOT NULL,\n  `at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),\n" +
		"  `last` int NOT NULL,\n  INDEX i (`last`) USING INVERTED\n) ENGINE=OLAP\nUNIQUE KEY(`id`)\nDISTRIBUTED BY HASH(`id`) BUCKETS 1"
	for column, want := range map[string]bool{"id": true, "d": true, "m": false, "s": true, "g": true, "at": true, "last": false, "t": false} {
		if got := fillsItself(ddl, column); got != want {
			t.Errorf("column %s: %v", column, got)
		}
	}
	if fillsItself("CREATE TABLE t (a INT NOT NULL, b INT NOT NULL DEFAULT 3) DUPLICATE KEY(a)", "a") {
		t.Error("column a has the default of b")
	}
}

// TestStatements: what an error tells to run is what deploy/doris.sql has, and what a
// load names.
func TestStatements(t *testing.T) {
	shape := func(ddl string) string {
		ddl = regexp.MustCompile(`COMMENT '[^']*'`).ReplaceAllString(ddl, "")
		ddl = strings.NewReplacer("`", "", ";", "", "HASH (", "HASH(", "KEY (", "KEY(").Replace(ddl)
		ddl = strings.Join(strings.Fields(ddl), " ")
		return strings.NewReplacer("( ", "(", " )", ")", " ,", ",").Replace(ddl)
	}
	if diff := cmp.Diff(shape(deploy.DorisStatements()[1]), shape(createTable("`ods`.`ODS_QL_JC_SSJC`", "unique", rowNeeds{city: 6}))); diff != "" {
		t.Errorf("deploy/doris.sql (-) differs from what an error says (+):\n%s", diff)
	}
	if ddl := createTable("t", "duplicate", rowNeeds{city: 20}); !strings.Contains(ddl, "DUPLICATE KEY (") || strings.Contains(ddl, "merge_on_write") || !strings.Contains(ddl, "VARCHAR(20)") {
		t.Error(ddl)
	}
	var names []string
	for _, w := range wanted(rowNeeds{city: 6}) {
		names = append(names, w.name)
	}
	sent := strings.Split(columns, ",")
	slices.Sort(names)
	slices.Sort(sent)
	if !slices.Equal(names, sent) {
		t.Errorf("a load names %q, the table is asked for %q", sent, names)
	}
}
