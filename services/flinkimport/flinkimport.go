// Package flinkimport turns the SQL of a Flink job, cities' Kafka topics to a hub topic to a Doris table, into a hefu.yaml
// that does the same, and says of every option, column and clause what became of it (docs/flink-import.md).
//
// It opens nothing but what it is given; Compare, which asks brokers, is called by whoever wants that.
package flinkimport

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/flinkimport/flinksql"
)

// Verdict is what became of a piece of the SQL.
type Verdict string

// The verdicts.
const (
	Mapped  Verdict = "MAPPED"  // hefu.yaml says the same
	Adapted Verdict = "ADAPTED" // another mechanism keeps what was promised; the text says which
	Warned  Verdict = "WARNED"  // it has no effect, or is not as its author will have meant it
	Refused Verdict = "REFUSED" // Hefu cannot do it, or it is no SQL of Flink: there is no hefu.yaml
)

// Item is one piece of the SQL and its verdict.
type Item struct {
	Pos       flinksql.Pos `json:"-"`
	At        string       `json:"at"`        // file:line:column
	Statement string       `json:"statement"` // the first words of the one it is in
	What      string       `json:"what"`      // the option, column or clause
	Value     string       `json:"value,omitempty"`
	Verdict   Verdict      `json:"verdict"`
	Key       string       `json:"key,omitempty"` // of hefu.yaml
	Text      string       `json:"text"`
	Slip      bool         `json:"slip,omitempty"` // of whoever wrote the SQL: Flink fails, or does something else than is meant
}

// ToDo is something that a person has to do before hefu.yaml can be run.
type ToDo struct {
	pos  flinksql.Pos
	At   string `json:"at"`
	Key  string `json:"key"`
	Text string `json:"text"`
}

// Result is what became of a file.
type Result struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"` // of the SQL's bytes
	// YAML is the text of hefu.yaml; what the document masks is in it as it is masked, and ToDo names the keys. It is there
	// as far as it goes when something is refused, too: see OK.
	YAML string `json:"-"`
	// Config is what config.Parse makes of YAML, with addresses in place of those that are masked; nil when it refuses.
	Config *config.Config `json:"-"`
	Items  []Item         `json:"items"` // in the order of the file
	ToDo   []ToDo         `json:"to_do,omitempty"`
	Groups []Group        `json:"groups,omitempty"`
	Prose  []Item         `json:"prose,omitempty"` // lines that were taken for no SQL
}

// OK says that nothing is refused and config.Parse takes the YAML.
func (r *Result) OK() bool { return r.Count(Refused) == 0 && r.Config != nil }

// Count is how many items have a verdict.
func (r *Result) Count(v Verdict) int {
	n := 0
	for _, i := range r.Items {
		if i.Verdict == v {
			n++
		}
	}
	return n
}

// Import reads the SQL of a job. name stands for the file in positions and comments. It always returns a result: what
// is wrong is in its items.
func Import(name string, text []byte) *Result {
	sum := sha256.Sum256(text)
	m := &importer{
		name: name, script: flinksql.Parse(name, text), spoken: map[place]bool{}, tables: map[string]*table{}, settings: map[string]option{},
		result: &Result{File: name, SHA256: hex.EncodeToString(sum[:])},
	}
	m.run()
	return m.result
}

// importer is one import.
type importer struct {
	name      string
	script    *flinksql.Script
	result    *Result
	statement string         // that items belong to now
	spoken    map[place]bool // what something was said about
	settings  map[string]option
	tables    map[string]*table
	order     []*table
	inserts   []insert
	doc       document
	lost      bool   // an INSERT whose table is none of ours
	forgotten string // columns that the last SELECT forgot
}

// insert is an INSERT with the first words of its statement.
type insert struct {
	*flinksql.Insert
	head   string
	pos    flinksql.Pos
	elided []flinksql.Note
}

func (m *importer) run() {
	m.notes()
	for _, st := range m.script.Statements {
		m.statement = st.Head
		m.take(st)
	}
	m.inherit()
	m.pipelines()
	m.leftovers()
	m.check()
	m.tidy()
	m.result.YAML = m.doc.text(m.heading(), func(v string) string { return v })
}

// check holds the YAML against hefu's own rules, with addresses in place of what is masked.
func (m *importer) check() {
	r := m.result
	if len(m.doc.pipelines) == 0 {
		if r.Count(Refused) == 0 {
			m.statement = ""
			m.say(flinksql.Pos{Filename: m.name, Line: 1, Column: 1}, "the file", "", Refused, "",
				"it holds no INSERT into a hub topic or a Doris table: there is nothing to move")
		}
		return
	}
	c, err := config.Parse("hefu.yaml", []byte(m.doc.text("", unmasked)))
	if err == nil {
		r.Config = c
		m.groups()
		return
	}
	if r.Count(Refused) > 0 {
		return // it is not whole, and why is said
	}
	at, key := flinksql.Pos{Filename: m.name, Line: 1, Column: 1}, ""
	var e *config.Error
	if errors.As(err, &e) {
		key = e.Key
		at = m.doc.find(e.Key, at)
		err = fmt.Errorf("%s; allowed: %s", e.Problem, e.Allowed)
	}
	m.statement = ""
	m.say(at, key, "", Refused, key, "hefu.yaml would not be accepted: "+err.Error())
}

// say adds an item. Secrets in value are masked.
func (m *importer) say(at flinksql.Pos, what, value string, v Verdict, key, text string) {
	m.spoken[place{m.statement, at}] = true
	m.result.Items = append(m.result.Items, Item{
		Pos: at, At: at.String(), Statement: m.statement, What: what, Value: mask(what, value), Verdict: v, Key: key, Text: text,
	})
}

// slip is an item about a mistake of whoever wrote the SQL.
func (m *importer) slip(at flinksql.Pos, what, value string, v Verdict, key, text string) {
	m.say(at, what, value, v, key, text)
	m.result.Items[len(m.result.Items)-1].Slip = true
}

// place is a piece of a statement: a table that others are made LIKE speaks in all of them.
type place struct {
	statement string
	at        flinksql.Pos
}

func (m *importer) toDo(at flinksql.Pos, key, text string) {
	m.result.ToDo = append(m.result.ToDo, ToDo{at, at.String(), key, text})
}

// tidy puts what was said into the order of the file, and names keys without the pipeline where there is just one.
func (m *importer) tidy() {
	r := m.result
	slices.SortStableFunc(r.Items, func(a, b Item) int { return before(a.Pos, b.Pos) })
	slices.SortStableFunc(r.ToDo, func(a, b ToDo) int { return before(a.pos, b.pos) })
	if len(m.doc.pipelines) != 1 {
		return
	}
	prefix := "pipelines." + m.doc.pipelines[0].child("name").raw[0] + "."
	for i := range r.Items {
		r.Items[i].Key = strings.ReplaceAll(r.Items[i].Key, prefix, "")
	}
	for i := range r.ToDo {
		r.ToDo[i].Key = strings.ReplaceAll(r.ToDo[i].Key, prefix, "")
	}
}

func before(a, b flinksql.Pos) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}
