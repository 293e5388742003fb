package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// judge judges a ClickHouse. Nothing waits for the lineage: what is wrong with it makes
// explain slower and stops no row.
func (f *lineageFacts) judge(s *system) {
	for i := range f.servers {
		f.judgeServer(s, &f.servers[i])
	}
	if f.err != nil {
		if slices.ContainsFunc(f.servers, func(server clickhouseFacts) bool { return noLogin(server.err) }) {
			return // it answered, and its own check says what
		}
		s.unreachable(strings.Join(f.config.Addresses, ", "), f.err, "is it up, and do lineage.addresses name its native port (9000, or 9440 with tls)?")
		return
	}
	f.judgeTable(s)
	f.judgeRights(s)
}

func (f *lineageFacts) judgeServer(s *system, server *clickhouseFacts) {
	c := Check{
		Name: "server " + server.address, Verdict: Good, Found: server.version, Setting: "lineage.addresses, lineage.user, lineage.password_file",
		Why: "the first that answers takes the lineage; without one hefu explain reads the journal instead",
	}
	switch {
	case noLogin(server.err):
		c.Verdict, c.Found, c.Needed, c.Do = Bad, oneLine(server.err.Error()), "a login", "compare lineage.user and lineage.password_file with the server's users"
	case server.err != nil && f.err == nil:
		c.Verdict, c.Found, c.Do = Note, oneLine(server.err.Error()), "start it, or take it out of the configuration"
	case server.err != nil:
		c.Verdict, c.Found, c.Do = Unknown, oneLine(server.err.Error()), "is it up, and can this host reach it?"
	}
	s.add(c)
}

func (f *lineageFacts) judgeTable(s *system) {
	c := Check{
		Name: "table " + f.config.Database + "." + f.config.Table, Verdict: Good, Needed: "its columns, and an engine of the family ReplacingMergeTree", Setting: "lineage.database, lineage.table",
		Why: "a row that comes again must meet the first one, and be one with it",
	}
	switch {
	case f.tableErr != nil:
		c.Verdict, c.Found, c.Do = Unknown, oneLine(f.tableErr.Error()), "ask again; may the user read system.columns and system.tables?"
	case f.table.NoDatabase:
		c.Found = "neither it nor its database is there; the first start makes both"
	case f.table.NoTable:
		c.Found = "not there; the first start makes it"
	case f.table.Differs != "":
		c.Verdict, c.Found, c.Do = Bad, f.table.Differs, "name another table, or make it by: "+f.table.DDL
	default:
		c.Found = "fits"
	}
	s.add(c)
}

func (f *lineageFacts) judgeRights(s *system) {
	privileges := []string{"SELECT", "INSERT"}
	if f.table.NoTable {
		privileges = append(privileges, "CREATE TABLE")
	}
	if f.table.NoDatabase {
		privileges = append(privileges, "CREATE DATABASE")
	}
	c := Check{
		Name: "rights", Verdict: Good, Needed: strings.Join(privileges, ", "), Setting: "GRANT, and readonly of the user's profile",
		Why: "without them nothing is written, and the leg tries for ever", Do: fmt.Sprintf("GRANT %s ON %s.* TO %s", strings.Join(privileges, ", "), f.config.Database, f.config.User),
	}
	missing, sure := f.lacks(privileges...)
	switch {
	case f.readErr == nil && f.readonly != "" && f.readonly != "0":
		c.Verdict, c.Found, c.Do = Bad, "readonly = "+f.readonly, "readonly 0 in the user's profile"
	case f.grantErr != nil && said(f.grantErr):
		c.Verdict, c.Found, c.Do = Unchecked, "the server does not tell (before 20.4 there are no grants): "+oneLine(f.grantErr.Error()), ""
	case f.grantErr != nil:
		c.Verdict, c.Found, c.Do = Unknown, oneLine(f.grantErr.Error()), "ask again"
	case len(missing) == 0 && sure:
		c.Found = "granted, all of them"
	case !sure:
		c.Verdict, c.Found, c.Do = Unchecked, "there are roles or revoked privileges, which are not looked into", ""
	default:
		c.Verdict, c.Found = Bad, "not granted: "+strings.Join(missing, ", ")
	}
	s.add(c)
}
