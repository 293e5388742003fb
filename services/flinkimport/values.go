package flinkimport

import (
	"fmt"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/flinkimport/flinksql"
)

// value is what a SELECT gives for one column.
type value struct {
	pos     flinksql.Pos
	from    domain.From
	field   string // with domain.FromField
	literal string // of a text, with domain.FromCity
	fixed   string // a time that the SQL holds
	key     bool   // the record's key
	headers bool   // the record's headers
	refused bool   // and said so
	epoch   bool   // a time as UNIX_TIMESTAMP(CAST(time AS STRING)) * 1000
	typ     *flinksql.Type
	cast    *flinksql.Type
}

// same says whether two branches give the same for a column.
func (v value) same(o value) bool {
	return v.from == o.from && v.field == o.field && v.key == o.key && v.epoch == o.epoch && v.headers == o.headers &&
		(v.cast == nil) == (o.cast == nil) && (v.cast == nil || v.cast.String() == o.cast.String())
}

// String says for people what it is.
func (v value) String() string {
	switch {
	case v.key:
		return "the record's key"
	case v.headers:
		return "the record's headers"
	case v.from == domain.FromField:
		return "field " + v.field
	}
	return string(v.from)
}

// now says whether a word is one of the functions that give the time, with brackets or without.
func now(word string, called bool) bool {
	switch strings.ToUpper(word) {
	case "CURRENT_TIMESTAMP", "LOCALTIMESTAMP":
		return true
	case "NOW", "PROCTIME", "CURRENT_ROW_TIMESTAMP":
		return called
	}
	return false
}

// epoch is x of UNIX_TIMESTAMP(x) * 1000, the way in which jobs make milliseconds of a time, or nil.
func epoch(e *flinksql.Expr) *flinksql.Expr {
	call := e.First.Call
	if len(e.Signs) > 0 || len(e.Rest) != 1 || call == nil || len(call.Args) != 1 || !strings.EqualFold(call.Name.String(), "UNIX_TIMESTAMP") {
		return nil
	}
	if op := e.Rest[0]; op.Sign != "*" || len(op.Signs) > 0 || op.Term == nil || op.Term.Number != "1000" {
		return nil
	}
	return call.Args[0]
}

// value is what an expression over a table is; "" or why it cannot be carried.
func (m *importer) value(e *flinksql.Expr, t *table, depth int) (value, string) {
	if inner := epoch(e); inner != nil {
		v, why := m.value(inner, t, depth)
		if why == "" && (!isTime(v.from) || v.cast == nil || family(v.cast) != "STRING") {
			why = "UNIX_TIMESTAMP of something that is no time in a text"
		}
		v.epoch, v.cast, v.typ = true, nil, nil
		return v, why
	}
	term, only := e.Only()
	if !only {
		return value{}, "it computes a value; Hefu carries each row as it is"
	}
	v := value{pos: term.Pos}
	switch {
	case term.Text != nil:
		v.from, v.literal = domain.FromCity, term.Text.String()
	case term.Null:
		v.from = domain.FromNull
	case term.Time != nil && strings.EqualFold(term.Time.Word, "TIMESTAMP"):
		v.from, v.fixed = domain.FromExtractTime, term.Time.Text.String()
	case term.Call != nil:
		name := term.Call.Name.String()
		if !now(name, true) || len(term.Call.Args) > 0 {
			return v, "the function " + name + " computes a value; Hefu carries each row as it is"
		}
		v.from = domain.FromExtractTime
	case term.Cast != nil:
		inner, why := m.value(term.Cast.Expr, t, depth)
		if why == "" && inner.cast != nil {
			why = "a CAST of a CAST"
		}
		inner.cast = term.Cast.Type
		return inner, why
	case term.Column != nil:
		return m.columnValue(term.Column, t, depth)
	default:
		return v, "a constant of its own; the only one that Hefu carries is the city's code, a text"
	}
	return v, ""
}

// columnValue is what a column of a table is.
func (m *importer) columnValue(p *flinksql.Path, t *table, depth int) (value, string) {
	v := value{pos: p.Pos}
	name := p.Last()
	c, has := t.column(name)
	switch {
	case !has && len(p.Parts) == 1 && !p.Parts[0].Quoted() && now(name, false):
		v.from = domain.FromExtractTime
		return v, ""
	case !has:
		return v, fmt.Sprintf("table %s has no column %s", t.name, name)
	case c.as != nil && depth > 8:
		return v, "computed columns go round in a circle"
	case c.as != nil:
		inner, why := m.value(c.as, t, depth+1)
		inner.pos = p.Pos
		return inner, why
	case c.metadata != "":
		v.typ = c.typ
		return metadata(v, c)
	case t.isKey(name):
		v.key = true
		return v, ""
	case t.format().value == "json" && name != "record":
		v.from, v.field, v.typ = domain.FromField, name, c.typ
		return v, ""
	}
	v.from, v.typ = domain.FromRecord, c.typ
	return v, ""
}

// metadata is what a metadata column of a Kafka table is.
func metadata(v value, c column) (value, string) {
	switch c.metadata {
	case "partition":
		v.from = domain.FromPartition
	case "offset":
		v.from = domain.FromOffset
	case "timestamp":
		v.from = domain.FromTimestamp
	case "headers":
		v.headers = true
	case "topic", "timestamp-type", "leader-epoch", "header-list":
		return v, "the hub's rows do not say the " + c.metadata + " of their city record; the journal does"
	default:
		return v, fmt.Sprintf("the connector kafka has no metadata %q", c.metadata)
	}
	return v, ""
}

// keyFields are the columns that the record's key holds.
func (t *table) keyFields() []string {
	if t.get("key.fields") == "" {
		return nil
	}
	return strings.Split(t.get("key.fields"), ";")
}

func (t *table) isKey(name string) bool {
	for _, k := range t.keyFields() {
		if k == name {
			return true
		}
	}
	return false
}

// family is what kind of value a type is for.
func family(t *flinksql.Type) string {
	if t == nil {
		return ""
	}
	switch w := strings.ToUpper(t.Word); w {
	case "STRING", "VARCHAR", "CHAR":
		return "STRING"
	case "BYTES", "VARBINARY", "BINARY":
		return "BYTES"
	case "TIMESTAMP", "TIMESTAMP_LTZ":
		return "TIMESTAMP"
	case "INT", "INTEGER", "BIGINT":
		return "BIGINT"
	default:
		return w
	}
}
