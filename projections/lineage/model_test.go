package lineage_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/hefu-io/hefu/services/devstack/clickhouse"
)

// model is as much of a ClickHouse as the leg and its tests ask for: one table whose rows come
// and are read. A row that came twice is there twice, until somebody says FINAL or DISTINCT.
type model struct {
	tokens bool // knows a block again

	mu      sync.Mutex
	ddl     string
	columns []field
	key     []string
	rows    []map[string]any
	taken   map[string]bool // tokens
	refuse  map[string]error
}

type field struct{ name, kind string }

var (
	definition = regexp.MustCompile("^CREATE TABLE IF NOT EXISTS `db`.`lineage` \\((.*)\\) ENGINE = ReplacingMergeTree\\(block\\) PARTITION BY (.*) ORDER BY \\((.*?)\\)( SETTINGS non_replicated_deduplication_window = 1000)?$")
	selection  = regexp.MustCompile("^SELECT (DISTINCT )?(.*?) FROM `db`.`lineage`( FINAL)? WHERE (.*?) ORDER BY (.*?)( LIMIT (\\d+))?$")
	counting   = regexp.MustCompile("^SELECT count\\(\\) AS n, sum\\(record_xxh3\\) AS digest FROM \\(SELECT DISTINCT (.*), record_xxh3 FROM `db`.`lineage` WHERE (.*)\\)$")
	condition  = regexp.MustCompile(`^(\w+) (=|>=|<=) (?:'([^']*)'|(-?\d+))$`)
)

func (m *model) Query(_ context.Context, r clickhouse.Request) ([]clickhouse.Block, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for what, err := range m.refuse {
		if strings.Contains(r.Query, what) {
			return nil, err
		}
	}
	switch {
	case strings.Contains(r.Query, "system."):
		return m.system(r.Query)
	case strings.HasPrefix(r.Query, "CREATE DATABASE"):
		return nil, nil
	case strings.HasPrefix(r.Query, "CREATE TABLE"):
		return nil, m.create(r.Query)
	}
	if q := counting.FindStringSubmatch(r.Query); q != nil {
		return m.count(q[1], q[2])
	}
	if q := selection.FindStringSubmatch(r.Query); q != nil {
		return m.sel(q)
	}
	return nil, clickhouse.Refuse(proto.ErrSyntaxError, r.Query)
}

func (m *model) system(q string) ([]clickhouse.Block, error) {
	var texts proto.ColStr
	switch {
	case strings.Contains(q, "system.columns"):
		for _, c := range m.columns {
			texts.Append(c.name + " " + c.kind)
		}
	case strings.Contains(q, "system.tables"):
		texts.Append("ReplacingMergeTree")
	case strings.Contains(q, "system.databases"):
	default:
		return nil, clickhouse.Refuse(proto.ErrSyntaxError, q)
	}
	return []clickhouse.Block{{{Name: "text", Data: &texts}}}, nil
}

func (m *model) create(q string) error {
	d := definition.FindStringSubmatch(q)
	if d == nil || (d[4] != "") != m.tokens || strings.Contains(d[1], "INDEX") != m.tokens {
		return clickhouse.Refuse(proto.ErrSyntaxError, q)
	}
	m.ddl, m.key, m.columns = q, strings.Split(d[3], ", "), nil
	for c := range strings.SplitSeq(d[1], ", ") {
		if name, kind, _ := strings.Cut(c, " "); name != "INDEX" {
			m.columns = append(m.columns, field{name, kind})
		}
	}
	return nil
}

func (m *model) Head(context.Context, clickhouse.Request) (clickhouse.Block, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.columns == nil {
		return nil, clickhouse.Refuse(proto.ErrUnknownTable, "no table")
	}
	return m.block(nil), nil
}

func (m *model) Insert(_ context.Context, r clickhouse.Request, b clickhouse.Block) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if token := r.Settings["insert_deduplication_token"]; token != "" {
		if m.taken[token] {
			return nil
		}
		m.taken[token] = true
	} else if m.tokens {
		return clickhouse.Refuse(proto.ErrSyntaxError, "a block without a token")
	}
	for i := range b.Rows() {
		row := map[string]any{}
		for _, c := range b {
			row[c.Name] = value(c.Data, i)
		}
		m.rows = append(m.rows, row)
	}
	return nil
}

func (m *model) count(distinct, where string) ([]clickhouse.Block, error) {
	rows, err := m.where(where)
	if err != nil {
		return nil, err
	}
	var sum uint64
	rows = unique(rows, append(strings.Split(distinct, ", "), "record_xxh3"))
	for _, r := range rows {
		sum += r["record_xxh3"].(uint64)
	}
	return []clickhouse.Block{{{Name: "n", Data: &proto.ColUInt64{uint64(len(rows))}}, {Name: "digest", Data: &proto.ColUInt64{sum}}}}, nil
}

func (m *model) sel(q []string) ([]clickhouse.Block, error) {
	rows, err := m.where(q[4])
	if err != nil {
		return nil, err
	}
	names := strings.Split(q[2], ", ")
	switch {
	case q[1] != "":
		rows = unique(rows, names)
	case q[3] != "":
		rows = unique(rows, m.key) // of equal keys the last version; they are equal
	}
	order := strings.Split(q[5], ", ")
	slices.SortStableFunc(rows, func(a, b map[string]any) int { return strings.Compare(render(a, order), render(b, order)) })
	if limit, err := strconv.Atoi(q[7]); err == nil && len(rows) > limit {
		rows = rows[:limit]
	}
	if len(names) != len(m.columns) {
		return nil, clickhouse.Refuse(proto.ErrSyntaxError, q[2])
	}
	return []clickhouse.Block{m.block(nil), m.block(rows)}, nil
}

// where is the rows for which all of some conditions hold.
func (m *model) where(conditions string) (out []map[string]any, err error) {
	for _, row := range m.rows {
		holds := true
		for c := range strings.SplitSeq(conditions, " AND ") {
			p := condition.FindStringSubmatch(c)
			if p == nil {
				return nil, clickhouse.Refuse(proto.ErrSyntaxError, c)
			}
			have, want := fmt.Sprint(row[p[1]]), p[3]+p[4]
			if p[2] != "=" {
				have, want = sortable(have), sortable(want)
			}
			holds = holds && (have == want || p[2] == ">=" && have > want || p[2] == "<=" && have < want)
		}
		if holds {
			out = append(out, row)
		}
	}
	return out, nil
}

// sortable makes the text of a number one that compares as the number does.
func sortable(n string) string { return fmt.Sprintf("%030s", n) }

func render(row map[string]any, names []string) string {
	var b strings.Builder
	for _, n := range names {
		text := fmt.Sprint(row[n])
		if _, isText := row[n].(string); !isText {
			text = sortable(text)
		}
		b.WriteString(text + "\x00")
	}
	return b.String()
}

func unique(rows []map[string]any, names []string) (out []map[string]any) {
	seen := map[string]bool{}
	for _, r := range rows {
		if k := render(r, names); !seen[k] {
			seen[k] = true
			out = append(out, r)
		}
	}
	return out
}

func value(c proto.ColResult, i int) any {
	switch c := c.(type) {
	case *proto.ColStr:
		return c.Row(i)
	case *proto.ColInt32:
		return c.Row(i)
	case *proto.ColInt64:
		return c.Row(i)
	case *proto.ColUInt64:
		return c.Row(i)
	case *proto.ColUInt32:
		return c.Row(i)
	case *proto.ColUInt8:
		return c.Row(i)
	default:
		panic(fmt.Sprintf("%T", c))
	}
}

// block makes columns of rows.
func (m *model) block(rows []map[string]any) (b clickhouse.Block) {
	for _, c := range m.columns {
		var auto proto.ColAuto
		if err := auto.Infer(proto.ColumnType(c.kind)); err != nil {
			panic(err)
		}
		for _, r := range rows {
			switch col := auto.Data.(type) {
			case *proto.ColStr:
				col.Append(r[c.name].(string))
			case *proto.ColInt32:
				col.Append(r[c.name].(int32))
			case *proto.ColInt64:
				col.Append(r[c.name].(int64))
			case *proto.ColUInt64:
				col.Append(r[c.name].(uint64))
			case *proto.ColUInt32:
				col.Append(r[c.name].(uint32))
			case *proto.ColUInt8:
				col.Append(r[c.name].(uint8))
			}
		}
		b = append(b, proto.ResultColumn{Name: c.name, Data: auto.Data})
	}
	return b
}
