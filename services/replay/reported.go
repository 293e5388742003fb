package replay

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
)

// reported takes the findings of a signed report. What it says of the journal's end is of the
// past: the lanes go to what is carried now, and what a table lacks is found out by comparing.
func (p *planning) reported(context.Context) error {
	scope := &p.plan.Scope
	if len(p.ask.Report) == 0 {
		if scope.Report != nil || len(scope.Findings) > 0 {
			return &refusedError{"scope: findings are those of a report, and its file did not come along"}
		}
		return nil
	}
	v, err := report.Verify(p.ask.Report, p.keys()...)
	if err != nil {
		return &refusedError{"the report is not to be believed: " + err.Error()}
	}
	switch r := v.Report; {
	case scope.Report != nil && *scope.Report != v.Digest:
		return &refusedError{fmt.Sprintf("the report has digest %s, and the plan is to be of %s", v.Digest, scope.Report)}
	case r.Scope.Pipeline != p.o.Config.Name:
		return &refusedError{fmt.Sprintf("the report is of pipeline %s, not %s", r.Scope.Pipeline, p.o.Config.Name)}
	case r.Journal.ID != p.o.Journal.ID():
		return &refusedError{fmt.Sprintf("the report is of journal %s, this one is %s", r.Journal.ID, p.o.Journal.ID())}
	}
	scope.Report = &v.Digest
	if p.found, err = v.Repair(scope.Findings...); err != nil {
		return &refusedError{"report " + v.Digest.String() + ": " + err.Error()}
	}
	p.report = v.Report
	p.left()
	return nil
}

// keys are the verifier keys by which control says that streams were signed; nil where it says
// none, and a report is then believed by the key that it names.
func (p *planning) keys() []string {
	var out []string
	p.o.Control.State(func(c *domain.ControlState) {
		for _, key := range c.Signed {
			if key != "" && !slices.Contains(out, key) {
				out = append(out, key)
			}
		}
	})
	slices.Sort(out)
	return out
}

// left notes the findings that no replay puts right, and what to do about them.
func (p *planning) left() {
	const shown = 5
	if n := len(p.found.Left); n > 0 {
		var ids []string
		for _, id := range p.found.Left[:min(n, shown)] {
			ids = append(ids, id.String())
		}
		if n > shown {
			ids = append(ids, "…")
		}
		p.note(int64(n), "findings are of the journal or of rows that the hub has wrongly, which no replay puts right",
			"hefu findings accept takes them as they are ("+strings.Join(ids, ", ")+")")
	}
}

// note adds a note about n of something, unless it is none.
func (p *planning) note(n int64, what, do string) {
	if n > 0 {
		p.plan.Notes = append(p.plan.Notes, fmt.Sprintf("%s %s: %s", humanize.Comma(n), what, do))
	}
}

// chooseFound takes the rows that the report's findings name: for a topic those that the hub
// lost, for anything else those that are wrong in the table.
func (p *planning) chooseFound() error {
	f, t := p.found, &p.plan.Target
	if f == nil {
		return nil
	}
	lost := int64(0)
	for _, c := range f.Cities {
		lost += c.Span.Len()
	}
	switch {
	case t.Mode == domain.ModeDeleteDuplicates:
		p.note(lost, lostInHub, lostInHubDo)
		of := p.doubled()
		if len(of) == 0 {
			return &refusedError{"the report names no row that is in table " + t.Name + " a second time"}
		}
		return p.meetCities(true, of)
	case len(f.Cities) > 0 && (t.Kind == domain.TargetTopic || len(f.Rows.Hub) == 0 && t.Mode != domain.ModeFillMissing):
		p.note(rowsOf(f.Rows.Hub), "places of the table are wrong", "plan another replay for them, of mode fill-missing or delete-duplicates")
		return p.meetCities(true, f.Cities)
	case len(f.Rows.Hub) == 0:
		why := "the report names no row of the table"
		if lost > 0 {
			why += fmt.Sprintf("; %s %s: %s", humanize.Comma(lost), lostInHub, lostInHubDo)
		}
		return &refusedError{why}
	default:
		p.note(lost, lostInHub, lostInHubDo)
		return p.meetHub(true, f.Rows.Hub)
	}
}

const (
	lostInHub   = "rows are lost in the hub, whose offsets are given once"
	lostInHubDo = "where it is the end of a partition, plan everything into the live topic, of mode fill-missing; " +
		"else a shadow topic of the same report has them, for whoever reads the hub; then hefu findings accept"
)

func rowsOf(list []domain.HubSpan) (n int64) {
	for _, h := range list {
		n += h.Span.Len()
	}
	return n
}

// doubled are the rows, by their places in the cities, that the report found in the table under
// keys where none must be. Comparing these says which of the keys may go.
func (p *planning) doubled() (out []domain.CitySpan) {
	keys := map[domain.RowKey]bool{}
	for _, k := range p.found.Keys {
		keys[k] = true
	}
	for i := range p.report.Findings {
		f := &p.report.Findings[i]
		if f.CityPartition < 0 || f.CityOffset < 0 || !keys[domain.RowKey{Partition: f.HubPartition, Offset: f.HubOffset}] {
			continue
		}
		for _, c := range p.configured().Sources {
			if c.ID == f.Source || f.Source == "" && c.City == f.City {
				out = append(out, domain.CitySpan{Source: c.ID, Partition: f.CityPartition, Span: domain.Span{First: f.CityOffset, Next: f.CityOffset + 1}})
			}
		}
	}
	slices.SortFunc(out, func(a, b domain.CitySpan) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Span.First, b.Span.First))
	})
	return slices.Compact(out)
}
