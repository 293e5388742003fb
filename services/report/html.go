package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/hefu-io/hefu/domain"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

// HTML writes a report as one page that needs nothing else: no script, no font, no network.
// file is the name of the signed file, which the page says how to verify; the page itself is
// not signed. Errors are the writer's.
func HTML(w io.Writer, v *Verified, file string) error {
	p := newPage(v, file)
	t, err := template.New("page").Funcs(p.functions()).Parse(pageText)
	if err != nil {
		return fmt.Errorf("read the report's page: %w", err)
	}
	if err := t.Execute(w, p); err != nil {
		return fmt.Errorf("write the report's page: %w", err)
	}
	return nil
}

func (p *page) functions() template.FuncMap {
	return template.FuncMap{
		"style":   func() template.CSS { return template.CSS(pageStyle) }, //nolint:gosec // our own file
		"n":       humanize.Comma,
		"count":   count,
		"share":   share,
		"part":    func(n, of int64) float64 { return 100 * float64(n) / float64(max(1, of)) },
		"plus":    plus,
		"less":    func(a, b int64) int64 { return a - b },
		"at":      func(t any) string { return stamp(t, p.zone, "2006-01-02 15:04:05") },
		"between": func(from, to *time.Time) string { return between(from, to, p.zone) },
		"took":    func(d time.Duration) string { return d.Round(time.Millisecond).String() },
		"words":   func(s string) string { return strings.ReplaceAll(s, "_", " ") },
		"class":   func(s domain.WindowState) string { return strings.ReplaceAll(string(s), " ", "-") },
		"letter":  letter,
		"meaning": meaning,
		"places":  func(p domain.Proof) string { l, r := Places(p); return spot(l) + " → " + spot(r) },
		"place":   place,
		"spot":    spot,
		"window":  func(w Window) string { return domain.Window(w.WindowID).String() },
		"hash":    func(h domain.Hash) string { return h.String() },
		"coord":   coord,
		"gap":     func(c *cityTotals, reason string) int64 { return c.Gaps[reason] },
		"guilty":  func(reason string) bool { return guilt(reason) == 0 },
		"found":   found,
		"some":    func(c *cityTotals) bool { return slices.Max(c.Findings) > 0 },
		"letters": func(w float64) bool { return w >= 1 },
		"middle":  func(r run) float64 { return r.At + r.Wide/2 },
		"zone":    func() string { return p.zone.String() },
	}
}

func plus(list ...float64) (sum float64) {
	for _, x := range list {
		sum += x
	}
	return sum
}

// found is the number of a city's findings of a class.
func found(c *cityTotals, class domain.Class) int64 {
	for i, have := range Classes() {
		if have == class {
			return c.Findings[i]
		}
	}
	return 0
}

// share is n of all in per cent, cut and never rounded: all but one row are not 100 %, and one
// row is not 0 %.
func share(n, of int64) string {
	const fine = 10_000 // four decimals
	if of == 0 {
		return "–"
	}
	hundredths := int64(float64(n) / float64(of) * 100 * fine)
	switch {
	case n == of:
		return "100 %"
	case n == 0:
		return "0 %"
	case hundredths >= 100*fine:
		return "99.9999 %"
	case hundredths == 0:
		return "< 0.0001 %"
	}
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%d.%04d", hundredths/fine, hundredths%fine), "0"), ".") + " %"
}

// stamp is a time in the report's zone; "–" for none.
func stamp(t any, zone *time.Location, layout string) string {
	switch t := t.(type) {
	case time.Time:
		return t.In(zone).Format(layout)
	case *time.Time:
		if t != nil {
			return t.In(zone).Format(layout)
		}
	}
	return "–"
}

// spot is a place as a table has it.
func spot(name string) string { return strings.TrimPrefix(place(name), "the ") }

// between is a span of time, the day said once where it is the same.
func between(from, to *time.Time, zone *time.Location) string {
	const day = "2006-01-02"
	layout := "01-02 15:04"
	if from != nil && to != nil && from.In(zone).Format(day) == to.In(zone).Format(day) {
		layout = "15:04"
	}
	return stamp(from, zone, "01-02 15:04") + " – " + stamp(to, zone, layout)
}

// coord is a place in a topic; "–" for none.
func coord(partition int32, offset int64) string {
	if partition < 0 {
		return "–"
	}
	return fmt.Sprintf("%d/%d", partition, offset)
}
