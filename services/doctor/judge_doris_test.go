package doctor

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/hefu-io/hefu/projections/dorisconn"
	"github.com/hefu-io/hefu/services/config"
)

// denied is a question that Doris refuses.
func denied() error {
	return fmt.Errorf("SHOW X: %w", &mysql.MySQLError{Number: 1105, Message: "Access denied"})
}

func goodDoris() *dorisFacts {
	c := config.DefaultDoris()
	c.Database, c.Table, c.MySQL, c.FE = "ods", "t", []string{"f:9030"}, []string{"http://f:8030"}
	return &dorisFacts{
		config: &c, fronts: []frontFacts{{"http://f:8030", nil}, {"f:9030", nil}},
		cluster: []row{{"host": "f", "ismaster": "true", "alive": "true"}},
		backs:   []row{{"host": "b", "httpport": "8040", "alive": "true", "maxdiskusedpct": "12.50 %"}, {"host": "c", "httpport": "8040", "alive": "true", "maxdiskusedpct": "3.00 %"}},
		reached: map[string]error{"b:8040": nil, "c:8040": nil},
		settings: map[string]string{
			"streaming_label_keep_max_second": "43200", "label_num_threshold": "2000", "stream_load_default_precommit_timeout_second": "3600", "max_running_txn_num_per_db": "10000",
		},
		versions: 12, tablets: 32,
	}
}

func TestDoris(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(*dorisFacts)
		want   judged
	}{
		{"versions", func(*dorisFacts) {}, judged{"tablet versions", Good, "at most 12, of 32 tablets"}},
		{"one of two front ends", func(f *dorisFacts) {
			f.fronts = append(f.fronts, frontFacts{"g:9030", errors.New("refused")})
		}, judged{"front end g:9030", Note, "refused"}},
		{"the only front end for loads", func(f *dorisFacts) { f.fronts[0].err = errors.New("refused") }, judged{"front end http://f:8030", Unknown, "refused"}},
		{"wrong password", func(f *dorisFacts) { f.fronts[1].err = dorisconn.ErrUnauthorized }, judged{"front end f:9030", Bad, "not accepted"}},
		{"no front end", func(f *dorisFacts) { f.err = errors.New("gone") }, judged{"reachable", Unknown, "f:9030: gone"}},
		{"no master", func(f *dorisFacts) { f.cluster[0]["ismaster"] = "false" }, judged{"front ends", Bad, "0 masters"}},
		{"a dead front end", func(f *dorisFacts) {
			f.cluster = append(f.cluster, row{"host": "g", "queryport": "9030", "alive": "false"})
		}, judged{"front ends", Note, "not alive: g:9030"}},
		{"may not see front ends", func(f *dorisFacts) { f.frontErr = denied() }, judged{"front ends", Unchecked, "Access denied"}},
		{"front ends are silent", func(f *dorisFacts) { f.frontErr = errors.New("reset") }, judged{"front ends", Unknown, "reset"}},
		{"a dead back end", func(f *dorisFacts) { f.backs[0]["alive"] = "false" }, judged{"back ends", Note, "2, 1 alive; not alive: b:8040"}},
		{"all back ends dead", func(f *dorisFacts) { f.backs = f.backs[:1]; f.backs[0]["alive"] = "false" }, judged{"back ends", Bad, "0 alive"}},
		{"disks", func(*dorisFacts) {}, judged{"disks of back ends", Good, "12 %"}},
		{"a high disk", func(f *dorisFacts) { f.backs[1]["maxdiskusedpct"] = "85.00 %" }, judged{"disks of back ends", Note, "c:8040 85 %"}},
		{"a full disk", func(f *dorisFacts) { f.backs[1]["maxdiskusedpct"] = "95.10 %" }, judged{"disks of back ends", Bad, "c:8040 95 %"}},
		{"one back end out of reach", func(f *dorisFacts) { f.reached["c:8040"] = errors.New("no route") }, judged{"way to the back ends", Note, "1 of 2 are reached from here; not reached: c:8040 (no route)"}},
		{"all back ends out of reach", func(f *dorisFacts) {
			f.reached = map[string]error{"b:8040": errors.New("no route")}
		}, judged{"way to the back ends", Bad, "0 of 1"}},
		{"the table", func(f *dorisFacts) {
			f.table = "table ods.t is not there; nothing is loaded. To change it (deploy/doris.sql has the reasons): CREATE TABLE t"
		}, judged{"table ods.t", Bad, "is not there"}},
		{"the table is not told", func(f *dorisFacts) { f.tableErr = errors.New("reset") }, judged{"table ods.t", Unknown, "reset"}},
		{"settings hidden", func(f *dorisFacts) { f.setErr = denied() }, judged{"label retention", Unchecked, "denied"}},
		{"labels short", func(f *dorisFacts) { f.settings["streaming_label_keep_max_second"] = "3600" }, judged{"label retention", Note, "1 h 0 min"}},
		{"an old version", func(f *dorisFacts) { delete(f.settings, "streaming_label_keep_max_second") }, judged{"label retention", Unchecked, "no such setting"}},
		{"no limit of labels", func(f *dorisFacts) { f.settings["label_num_threshold"] = "0" }, judged{"labels kept", Good, "no limit"}},
		{"few labels", func(f *dorisFacts) { f.settings["label_num_threshold"] = "700" }, judged{"labels kept", Note, "700: 58 min 20 s"}},
		{"many versions", func(f *dorisFacts) { f.versions = 1000 }, judged{"tablet versions", Note, "1,000"}},
		{"too many versions", func(f *dorisFacts) { f.versions = 1600 }, judged{"tablet versions", Bad, "1,600"}},
		{"a higher limit", func(f *dorisFacts) { f.versions = 1600; f.settings["max_tablet_version_num"] = "4000" }, judged{"tablet versions", Good, "1,600"}},
		{"a load under way", func(f *dorisFacts) {
			f.orphans = []orphan{{"hefu-bridge-0-1-abc", "PREPARE", noon.Add(-time.Minute)}}
		}, judged{"loads without an end", Good, "1, none of them old"}},
		{"an orphan", func(f *dorisFacts) {
			f.orphans = []orphan{{"hefu-bridge-0-1-abc", "PRECOMMITTED", noon.Add(-time.Hour)}}
		}, judged{"loads without an end", Note, "hefu-bridge-0-1-abc PRECOMMITTED for 1 h 0 min"}},
		{"an orphan by another clock", func(f *dorisFacts) {
			f.skew = -20 * time.Second
			f.orphans = []orphan{{"hefu-bridge-0-1-abc", "PRECOMMITTED", noon.Add(-10*time.Minute - 10*time.Second)}}
		}, judged{"loads without an end", Good, "none of them old"}},
		{"orphans hidden", func(f *dorisFacts) { f.orphErr = denied() }, judged{"loads without an end", Unchecked, "denied"}},
		{"clock behind", func(f *dorisFacts) { f.skew = -2 * time.Minute }, judged{"clock", Note, "2 min 0 s behind"}},
		{"clock", func(f *dorisFacts) { f.skew = time.Second }, judged{"clock", Good, "to the second"}},
		{"clock a little ahead", func(f *dorisFacts) { f.skew = 9 * time.Second }, judged{"clock", Good, "9.0 s ahead"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			f := goodDoris()
			c.change(f)
			var s system
			f.judge(&s, noon)
			c.want.demand(t, s.checks)
			for _, check := range s.checks {
				if check.Name != c.want.name && check.Verdict != Good && check.Name != "reachable" {
					t.Errorf("another one: %+v", check)
				}
			}
		})
	}
}

// What is not exactly-once has no second phase.
func TestPrecommitOfOnePhase(t *testing.T) {
	f := goodDoris()
	f.config.Semantic, f.settings["stream_load_default_precommit_timeout_second"] = "at-least-once", "1"
	var s system
	f.judge(&s, noon)
	for _, c := range s.checks {
		if c.Name == "precommit timeout" {
			t.Errorf("%+v", c)
		}
	}
}
