package flinkimport

import (
	"strings"

	"github.com/hefu-io/hefu/services/flinkimport/flinksql"
)

// notes takes over what the reader of the script found beside statements.
func (m *importer) notes() {
	for _, p := range m.script.Problems {
		m.say(p.Pos, "the SQL", "", Refused, "", p.Text)
	}
	for _, n := range m.script.Prose {
		m.result.Prose = append(m.result.Prose, Item{Pos: n.Pos, At: n.Pos.String(), What: n.Text, Verdict: Warned, Text: "taken for prose"})
	}
}

// take sorts a statement.
func (m *importer) take(st *flinksql.Statement) {
	for _, c := range st.Clauses {
		m.say(c.Pos, c.Name, "", Refused, "", c.Why)
	}
	switch {
	case st.Create != nil:
		m.table(st)
		if len(st.Elided) > 0 {
			m.say(st.Elided[0].Pos, "…", "", Warned, "", "the document leaves something out here: the table may have more columns or options")
		}
	case st.Insert != nil:
		m.inserts = append(m.inserts, insert{st.Insert, st.Head, st.Pos, st.Elided})
	case st.Set != nil:
		m.set(st.Set)
	case st.Other:
		m.other(st)
	default:
		m.lost = m.lost || strings.HasPrefix(st.Head, "INSERT") // and why is said
	}
}

// other is a statement that makes no row move, or that Hefu has no use for.
func (m *importer) other(st *flinksql.Statement) {
	words := strings.Fields(strings.ToUpper(st.Head))
	first, second := words[0], ""
	if len(words) > 1 {
		second = words[1]
	}
	say := func(v Verdict, text string) { m.say(st.Pos, strings.TrimSpace(first+" "+second), "", v, "", text) }
	switch first {
	case "USE":
		say(Warned, "Hefu has no catalogs: tables are told apart by their names alone")
	case "CREATE":
		switch second {
		case "CATALOG", "DATABASE":
			say(Warned, "Hefu has no catalogs: tables are told apart by their names alone")
		case "FUNCTION", "TEMPORARY":
			say(Refused, "a function of your own would compute values; Hefu carries each row as it is")
		case "VIEW":
			say(Refused, "a view is a query: write it into the INSERT that reads it")
		default:
			say(Refused, "Hefu knows CREATE TABLE, CREATE CATALOG and CREATE DATABASE only")
		}
	case "DROP":
		say(Warned, "nothing is kept between two imports, so there is nothing to drop")
	case "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "HELP", "CLEAR", "QUIT", "EXIT", "RESET":
		say(Warned, "it moves no rows")
	case "LOAD", "UNLOAD", "ADD", "REMOVE":
		say(Warned, "Hefu runs no modules and no JARs of others")
	case "SELECT", "WITH", "VALUES":
		if len(st.Clauses) == 0 {
			say(Warned, "a query for the eye: it has no INSERT, and moves no rows")
		}
	default:
		say(Refused, "Hefu moves rows by INSERT … SELECT only")
	}
}

// leftovers says which tables nothing reads or writes.
func (m *importer) leftovers() {
	for _, t := range m.order {
		if !t.used && !m.lost {
			m.statement = t.head
			m.say(t.pos, t.name, "", Warned, "", "no INSERT reads or writes this table, so its options were not looked at")
		}
	}
}
