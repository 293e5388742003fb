package doris

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-mysql-org/go-mysql/mysql"
)

// relation is a small table made up on the spot: what SHOW prints and information_schema lists. Cells are nil, string
// or int64.
type relation struct {
	names []string
	kinds map[string]Kind // of columns that are no texts when it is selected from; SHOW has texts only
	rows  [][]any
}

func newRelation(names ...string) *relation { return &relation{names: names} }

// typed says of which kind some columns are: a column of NULLs cannot tell. Texts in them become numbers.
func (r *relation) typed(kind Kind, names ...string) {
	if r.kinds == nil {
		r.kinds = map[string]Kind{}
	}
	for _, n := range names {
		r.kinds[n] = kind
		for _, row := range r.rows {
			cell := &row[slices.Index(r.names, n)]
			text, ok := (*cell).(string)
			if !ok {
				continue
			}
			v, _ := strconv.ParseInt(text, 10, 64) // ports, and counts
			if kind == KindBool {
				v = map[string]int64{"true": 1}[text]
			}
			*cell = v
		}
	}
}

func (r *relation) add(cells ...any) { r.rows = append(r.rows, cells) }

// source makes a relation something to SELECT from.
func (r *relation) source(name string) source {
	s := source{name: name}
	cols := make([]string, len(r.names))
	for i, n := range r.names {
		kind, ok := r.kinds[n]
		if !ok {
			kind = KindText
		}
		s.columns = append(s.columns, sourceColumn{n, valueType{kind: kind}})
		cols[i] = fmt.Sprintf("column%d AS %s", i+1, quote(n))
	}
	rows := make([]string, 0, len(r.rows))
	for _, row := range r.rows {
		rows = append(rows, "("+strings.Join(literals(row), ", ")+")")
	}
	where := ""
	if len(rows) == 0 {
		rows = append(rows, "("+strings.Join(literals(make([]any, len(r.names))), ", ")+")")
		where = " WHERE 0"
	}
	s.sql = "(SELECT " + strings.Join(cols, ", ") + " FROM (VALUES " + strings.Join(rows, ", ") + ")" + where + ")"
	return s
}

func literals(row []any) []string {
	all := make([]string, len(row))
	for i, v := range row {
		switch v := v.(type) {
		case nil:
			all[i] = "NULL"
		case string:
			all[i] = sqlText(v)
		default:
			all[i] = fmt.Sprint(v)
		}
	}
	return all
}

// answer sends a relation; its columns are CHAR, as those of SHOW are.
func (c *session) answer(r *relation, err error) (*mysql.Result, error) {
	if err != nil {
		return nil, err
	}
	out := mysql.NewResultset(len(r.names))
	for i, n := range r.names {
		out.Fields[i] = &mysql.Field{Name: []byte(n), Charset: charsetUTF8, Type: mysql.MYSQL_TYPE_STRING, ColumnLength: 255}
	}
	for _, row := range r.rows {
		var data []byte
		for _, v := range row {
			if v == nil {
				data = append(data, nullCell)
				continue
			}
			data = appendText(data, fmt.Sprint(v))
		}
		out.RowDatas = append(out.RowDatas, data)
	}
	return mysql.NewResult(out), nil
}
