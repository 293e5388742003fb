package doctor

import (
	"errors"
	"testing"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/hefu-io/hefu/services/config"
)

func TestSigning(t *testing.T) {
	const key = "key /k/hefu.key"
	for _, c := range []struct {
		what   string
		change func(*signingFacts)
		want   judged
	}{
		{"well", func(*signingFacts) {}, judged{key, Good, "by nobody else"}},
		{"for all", func(f *signingFacts) { f.mode = 0o604 }, judged{key, Bad, "mode 0604"}},
		{"for a group", func(f *signingFacts) { f.mode = 0o640 }, judged{key, Bad, "mode 0640"}},
		{"no key", func(f *signingFacts) { f.keyErr = errors.New("malformed") }, judged{key, Bad, "malformed"}},
		{"fresh", func(f *signingFacts) { f.noKey, f.heads = true, 0 }, judged{key, Good, "the first start makes it"}},
		{"lost", func(f *signingFacts) { f.noKey = true }, judged{key, Note, "makes another one"}},
		{"beside the journal", func(f *signingFacts) { f.inside = true }, judged{"place of the key", Note, "beside what it signs"}},
		{"checkpoints", func(*signingFacts) {}, judged{"checkpoints", Good, "3 streams"}},
		{"no checkpoint yet", func(f *signingFacts) { f.noFile = true }, judged{"checkpoints", Good, "the first checkpoint makes it"}},
		{"damaged", func(f *signingFacts) { f.fileErr = errors.New("not as it was written") }, judged{"checkpoints", Bad, "not as it was written"}},
		{"trees", func(*signingFacts) {}, judged{"trees", Good, "3, each as long"}},
		{"short", func(f *signingFacts) { f.short = []string{"bridge.0.hub"} }, judged{"trees", Note, "bridge.0.hub"}},
		{"hidden", func(f *signingFacts) { f.treeErr = errors.New("permission denied") }, judged{"trees", Bad, "permission denied"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			f := signingFacts{key: "/k/hefu.key", mode: 0o600, file: "/d/checkpoints", heads: 3, trees: 3}
			c.change(&f)
			var s system
			f.judge(&s)
			c.want.demand(t, s.checks)
			if named := hasCheck(s.checks, "place of the key"); named != f.inside {
				t.Errorf("the place of the key is named: %t", named)
			}
		})
	}
}

func hasCheck(checks []Check, name string) bool {
	for i := range checks {
		if checks[i].Name == name {
			return true
		}
	}
	return false
}

func TestArchivePlace(t *testing.T) {
	folder := func(f archiveFacts) archiveFacts {
		f.config = &config.Archive{Dir: "/a"}
		return f
	}
	bucket := func(f archiveFacts) archiveFacts {
		f.config = &config.Archive{Endpoint: "http://s3", Bucket: "b"}
		return f
	}
	room, full := &diskFacts{free: 50, size: 100}, &diskFacts{free: 4, size: 100}
	for _, c := range []struct {
		what  string
		facts archiveFacts
		want  judged
	}{
		{"folder", folder(archiveFacts{disk: room}), judged{"folder /a", Good, "can be written to"}},
		{"new folder", folder(archiveFacts{disk: room, fresh: true}), judged{"folder /a", Good, "the first start makes it"}},
		{"no right", folder(archiveFacts{disk: room, fresh: true, dirErr: errors.New("permission denied")}), judged{"folder /a", Bad, "permission denied"}},
		{"disk", folder(archiveFacts{disk: room}), judged{"disk", Good, "50 B of 100 B free, another one"}},
		{"same disk", folder(archiveFacts{disk: room, sameDisk: true}), judged{"disk", Note, "the same as the journal's"}},
		{"full disk", folder(archiveFacts{disk: full, sameDisk: true}), judged{"disk", Note, "4 B of 100 B free"}},
		{"not told", folder(archiveFacts{}), judged{"disk", Unchecked, ""}},
		{"unknown disk", folder(archiveFacts{diskErr: errors.New("I/O error")}), judged{"disk", Unknown, "I/O error"}},
		{"bucket", bucket(archiveFacts{answer: "NoSuchKey", readErr: errors.New("no such file")}), judged{"bucket http://s3/b", Good, "lets us read"}},
		{"writing", bucket(archiveFacts{answer: "NoSuchKey"}), judged{"writing", Unchecked, "asking would leave a file"}},
		{"no bucket", bucket(archiveFacts{answer: "NoSuchBucket", readErr: errors.New("the bucket does not exist")}), judged{"bucket http://s3/b", Bad, "does not exist"}},
		{"denied", bucket(archiveFacts{answer: "AccessDenied", readErr: errors.New("access denied")}), judged{"bucket http://s3/b", Bad, "access denied"}},
		{"silent", bucket(archiveFacts{readErr: errors.New("connection refused")}), judged{"bucket http://s3/b", Unknown, "refused"}},
		{"no secret", bucket(archiveFacts{openErr: errors.New("no such file")}), judged{"bucket http://s3/b", Bad, "no such file"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			var s system
			c.facts.judge(&s)
			c.want.demand(t, s.checks)
		})
	}
}

func TestClickHouse(t *testing.T) {
	refusal := func(code proto.Error) error { return &ch.Exception{Code: code, Message: "it says no"} }
	const server, table = "server c:9000", "table db.hefu_lineage"
	for _, c := range []struct {
		what   string
		change func(*lineageFacts)
		want   judged
	}{
		{"well", func(*lineageFacts) {}, judged{server, Good, "ClickHouse 26"}},
		{"one is down", func(f *lineageFacts) {
			f.servers = append(f.servers, clickhouseFacts{address: "d:9000", err: errors.New("refused")})
		}, judged{"server d:9000", Note, "refused"}},
		{"all are down", func(f *lineageFacts) { f.servers[0].err, f.err = errors.New("refused"), errors.New("none") }, judged{"reachable", Unknown, "c:9000: none"}},
		{"the only one is down", func(f *lineageFacts) { f.servers[0].err, f.err = errors.New("refused"), errors.New("none") }, judged{server, Unknown, "refused"}},
		{"login", func(f *lineageFacts) {
			f.servers[0].err, f.err = refusal(proto.ErrAuthenticationFailed), errors.New("none")
		}, judged{server, Bad, "it says no"}},
		{"login of old", func(f *lineageFacts) { f.servers[0].err, f.err = refusal(proto.ErrWrongPassword), errors.New("none") }, judged{server, Bad, "it says no"}},
		{"table", func(*lineageFacts) {}, judged{table, Good, "fits"}},
		{"no table", func(f *lineageFacts) { f.table.NoTable = true }, judged{table, Good, "the first start makes it"}},
		{"no database", func(f *lineageFacts) { f.table.NoTable, f.table.NoDatabase = true, true }, judged{table, Good, "makes both"}},
		{"another table", func(f *lineageFacts) { f.table.Differs = "its engine is Log" }, judged{table, Bad, "its engine is Log"}},
		{"not asked", func(f *lineageFacts) { f.tableErr = errors.New("timeout") }, judged{table, Unknown, "timeout"}},
		{"rights", func(*lineageFacts) {}, judged{"rights", Good, "granted"}},
		{"rights on the table", func(f *lineageFacts) { f.grants = []string{"GRANT SELECT, INSERT ON `db`.`hefu_lineage` TO hefu"} }, judged{"rights", Good, "granted"}},
		{"rights elsewhere", func(f *lineageFacts) { f.grants = []string{"GRANT SELECT, INSERT ON other.* TO hefu"} }, judged{"rights", Bad, "SELECT, INSERT"}},
		{"no INSERT", func(f *lineageFacts) { f.grants = []string{"GRANT SELECT ON db.* TO hefu"} }, judged{"rights", Bad, "not granted: INSERT"}},
		{"may not make it", func(f *lineageFacts) { f.table.NoTable = true }, judged{"rights", Bad, "not granted: CREATE TABLE"}},
		{"may make it", func(f *lineageFacts) {
			f.table.NoTable, f.grants = true, []string{"GRANT SELECT, INSERT, CREATE ON db.* TO hefu"}
		}, judged{"rights", Good, "granted"}},
		{"may not make the database", func(f *lineageFacts) {
			f.table.NoTable, f.table.NoDatabase, f.grants = true, true, []string{"GRANT SELECT, INSERT, CREATE TABLE ON db.* TO hefu"}
		}, judged{"rights", Bad, "not granted: CREATE DATABASE"}},
		{"all", func(f *lineageFacts) {
			f.table.NoTable, f.table.NoDatabase, f.grants = true, true, []string{"GRANT ALL ON *.* TO hefu WITH GRANT OPTION"}
		}, judged{"rights", Good, "granted"}},
		{"role", func(f *lineageFacts) { f.grants = []string{"GRANT writer TO hefu"} }, judged{"rights", Unchecked, "roles"}},
		{"revoked", func(f *lineageFacts) { f.grants = append(f.grants, "REVOKE INSERT ON db.hefu_lineage FROM hefu") }, judged{"rights", Unchecked, "revoked"}},
		{"no grants there", func(f *lineageFacts) { f.grants, f.grantErr = nil, refusal(proto.ErrSyntaxError) }, judged{"rights", Unchecked, "does not tell"}},
		{"grants not told", func(f *lineageFacts) { f.grants, f.grantErr = nil, errors.New("timeout") }, judged{"rights", Unknown, "timeout"}},
		{"readonly", func(f *lineageFacts) { f.readonly, f.grantErr = "1", refusal(proto.ErrSyntaxError) }, judged{"rights", Bad, "readonly = 1"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			f := &lineageFacts{
				config:  &config.Lineage{Addresses: []string{"c:9000"}, Database: "db", Table: "hefu_lineage", User: "hefu"},
				servers: []clickhouseFacts{{address: "c:9000", version: "ClickHouse 26.1"}}, readonly: "0", grants: []string{"GRANT SELECT, INSERT ON db.* TO hefu"},
			}
			c.change(f)
			var s system
			f.judge(&s)
			c.want.demand(t, s.checks)
		})
	}
}
