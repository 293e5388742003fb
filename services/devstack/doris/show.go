package doris

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
)

// show answers SHOW ....
func (c *session) show(p *parser) (*relation, error) {
	if p.accept("TRANSACTION") {
		return c.showTransaction(p)
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	switch {
	case p.accept("DATABASES"), p.accept("SCHEMAS"):
		r := newRelation("Database")
		r.add(infoSchema)
		for _, s := range c.s.catalog.databases() {
			r.add(s.Name)
		}
		return r, p.like(r)
	case p.accept("TABLES"):
		return c.showTables(p)
	case p.accept("FULL", "COLUMNS"):
		return c.showColumns(p, true)
	case p.accept("COLUMNS"):
		return c.showColumns(p, false)
	case p.accept("CREATE", "TABLE"):
		db, name, err := p.qualified()
		if err != nil {
			return nil, err
		}
		t, err := c.table(db, name)
		if err != nil {
			return nil, err
		}
		r := newRelation("Table", "Create Table")
		r.add(t.Name, t.SQL)
		return r, p.end()
	case p.accept("FRONTENDS"):
		return c.frontends(), p.end()
	case p.accept("BACKENDS"):
		return c.backends(), p.end()
	case p.accept("VARIABLES"), p.accept("SESSION", "VARIABLES"), p.accept("GLOBAL", "VARIABLES"):
		r := newRelation("Variable_name", "Value")
		for k, v := range c.vars {
			r.add(k, v)
		}
		slices.SortFunc(r.rows, func(a, b []any) int { return strings.Compare(a[0].(string), b[0].(string)) })
		return r, p.like(r)
	case p.accept("WARNINGS"):
		return newRelation("Level", "Code", "Message"), nil
	default:
		return nil, p.unsupported()
	}
}

// like keeps the rows whose first cell matches an optional LIKE 'pattern'.
func (p *parser) like(r *relation) error {
	if !p.accept("LIKE") {
		return p.end()
	}
	pattern, err := p.text()
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, c := range pattern {
		switch c {
		case '%':
			b.WriteString(".*")
		case '_':
			b.WriteByte('.')
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	re, err := regexp.Compile("(?is)^" + b.String() + "$")
	if err != nil {
		return refuse("pattern %s: %v", pattern, err)
	}
	r.rows = slices.DeleteFunc(r.rows, func(row []any) bool { return !re.MatchString(row[0].(string)) })
	return p.end()
}

func (c *session) showTables(p *parser) (*relation, error) {
	db := ""
	if p.accept("FROM") || p.accept("IN") {
		var err error
		if db, err = p.name(); err != nil {
			return nil, err
		}
	}
	s, err := c.schema(db)
	if err != nil {
		return nil, err
	}
	r := newRelation("Tables_in_" + s.Name)
	for _, t := range s.tables() {
		r.add(t.Name)
	}
	return r, p.like(r)
}

func (c *session) showColumns(p *parser, full bool) (*relation, error) {
	if !p.accept("FROM") && !p.accept("IN") {
		return nil, p.unsupported()
	}
	db, name, err := p.qualified()
	if err != nil {
		return nil, err
	}
	if p.accept("FROM") || p.accept("IN") {
		if db, err = p.name(); err != nil {
			return nil, err
		}
	}
	t, err := c.table(db, name)
	if err != nil {
		return nil, err
	}
	r := newRelation("Field", "Type", "Null", "Key", "Default", "Extra")
	if full {
		r = newRelation("Field", "Type", "Collation", "Null", "Key", "Default", "Extra", "Privileges", "Comment")
	}
	for _, col := range t.Columns {
		key := columnKey(t, col)
		if full {
			r.add(col.Name, col.Type.String(), nil, yesNo(!col.NotNull), key, defaultOf(col), "", "", col.Comment)
		} else {
			r.add(col.Name, col.Type.String(), yesNo(!col.NotNull), key, defaultOf(col), "")
		}
	}
	return r, p.end()
}

func (c *session) describe(p *parser) (*relation, error) {
	db, name, err := p.qualified()
	if err != nil {
		return nil, err
	}
	t, err := c.lockedTable(db, name)
	if err != nil {
		return nil, err
	}
	r := newRelation("Field", "Type", "Null", "Key", "Default", "Extra")
	for _, col := range t.Columns {
		extra := ""
		if !col.Key {
			extra = map[Model]string{Unique: "NONE", Duplicate: "NONE"}[t.Model]
		}
		r.add(col.Name, col.Type.String(), title(!col.NotNull), fmt.Sprint(col.Key), defaultOf(col), extra)
	}
	return r, p.end()
}

func yesNo(b bool) string {
	if b {
		return "YES"
	}
	return "NO"
}

func title(b bool) string {
	if b {
		return "Yes"
	}
	return "No"
}

func defaultOf(c Column) any {
	if c.Default == nil {
		return nil
	}
	return *c.Default
}

// columnKey is what Doris prints for a key column of each model.
func columnKey(t *Table, c Column) string {
	if !c.Key {
		return ""
	}
	return map[Model]string{Unique: "UNI", Duplicate: "DUP"}[t.Model]
}

func (c *session) frontends() *relation {
	r := newRelation("Name", "Host", "EditLogPort", "HttpPort", "QueryPort", "RpcPort", "ArrowFlightSqlPort", "Role",
		"IsMaster", "ClusterId", "Join", "Alive", "ReplayedJournalId", "LastStartTime", "LastHeartbeat", "IsHelper",
		"ErrMsg", "Version", "CurrentConnected", "LiveSince")
	host, http, _ := net.SplitHostPort(c.s.fe.Addr().String())
	_, query, _ := net.SplitHostPort(c.s.sql.Addr().String())
	r.add("fe_stand_in", host, "9010", http, query, "9020", "-1", "FOLLOWER", "true", "1", "true", "true", "1",
		nil, nil, "true", "", Banner, "Yes", nil)
	return r
}

func (c *session) backends() *relation {
	r := newRelation("BackendId", "Host", "HeartbeatPort", "BePort", "HttpPort", "BrpcPort", "ArrowFlightSqlPort",
		"LastStartTime", "LastHeartbeat", "Alive", "SystemDecommissioned", "TabletNum", "DataUsedCapacity",
		"TrashUsedCapacity", "AvailCapacity", "TotalCapacity", "UsedPct", "MaxDiskUsedPct", "RemoteUsedCapacity", "Tag",
		"ErrMsg", "Version", "Status", "HeartbeatFailureCounter", "NodeRole", "CpuCores", "Memory", "LiveSince", "RunningTasks")
	host, http, _ := net.SplitHostPort(c.s.announced())
	r.add("10001", host, "9050", "9060", http, "8060", "-1", nil, nil, "true", "false", "1", "0.000", "0.000", "1.000 GB",
		"1.000 GB", "0.00 %", "0.00 %", "0.000", `{"location" : "default"}`, "", Banner, "{}", "0", "mix", "1", "1.00 GB", nil, "0")
	return r
}
