package doris

import (
	"fmt"
	"slices"
	"strings"
)

// show answers SHOW ....
func (c *session) show(p *parser) (*relation, error) {
	if p.accept("TRANSACTION") {
		return c.showTransaction(p)
	}
	if all := p.accept("ALL", "GRANTS"); all || p.accept("GRANTS") {
		return c.showGrants(p, all)
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
		r.add(t.Name, t.createSQL())
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
	pattern = strings.ToLower(pattern)
	r.rows = slices.DeleteFunc(r.rows, func(row []any) bool { return !matches(strings.ToLower(row[0].(string)), pattern) })
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
	for _, t := range c.visible(s) {
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
		extra := "NONE" // how a value column is aggregated
		if col.Key {
			extra = ""
		}
		if full {
			r.add(col.Name, col.Type.String(), "", yesNo(!col.NotNull), yesNo(col.Key), defaultOf(col), extra, "", col.Comment)
		} else {
			r.add(col.Name, col.Type.String(), yesNo(!col.NotNull), yesNo(col.Key), defaultOf(col), extra)
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
	for _, f := range c.s.frontEnds() {
		r.add(fmt.Sprintf("fe_stand_in_%d", f.id), f.host, "9010", f.http, f.sql, "9020", "-1", "FOLLOWER", fmt.Sprint(f.master),
			"1", "true", fmt.Sprint(f.alive), "1", nil, nil, "true", "", Banner, title(f.id == int64(c.s.n)+1), nil)
	}
	return r
}

func (c *session) backends() *relation {
	r := newRelation("BackendId", "Host", "HeartbeatPort", "BePort", "HttpPort", "BrpcPort", "ArrowFlightSqlPort",
		"LastStartTime", "LastHeartbeat", "Alive", "SystemDecommissioned", "TabletNum", "DataUsedCapacity",
		"TrashUsedCapacity", "AvailCapacity", "TotalCapacity", "UsedPct", "MaxDiskUsedPct", "RemoteUsedCapacity", "Tag",
		"ErrMsg", "Version", "Status", "HeartbeatFailureCounter", "NodeRole", "CpuCores", "Memory", "LiveSince", "RunningTasks")
	for _, b := range c.s.backEnds() {
		r.add(fmt.Sprint(b.id), b.host, "9050", "9060", b.http, "8060", "-1", nil, nil, fmt.Sprint(b.alive), "false", "1", "0.000",
			"0.000", "1.000 GB", "1.000 GB", "0.00 %", "0.00 %", "0.000", `{"location" : "default"}`, "", Banner, "{}", "0", "mix",
			"1", "1.00 GB", nil, "0")
	}
	return r
}
