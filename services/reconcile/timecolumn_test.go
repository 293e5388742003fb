package reconcile

import (
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// What the hub must show of a time in each form, as a real Flink wrote it, and what a table
// then shows; and what is not known to this package.
func TestTimeColumn(t *testing.T) {
	zone := time.FixedZone("", 8*3600)
	at := time.UnixMilli(1_700_000_000_120)
	for _, c := range []struct {
		sql        string
		iso        bool
		text, wall string
	}{
		{"TIMESTAMP(6)", false, "2023-11-15 06:13:20.12", "2023-11-15 06:13:20.12"},
		{"TIMESTAMP", true, "2023-11-15T06:13:20.12", "2023-11-15 06:13:20.12"},
		{"timestamp(1)", true, "2023-11-15T06:13:20.1", "2023-11-15 06:13:20.1"},
		{"TIMESTAMP(0)", false, "2023-11-15 06:13:20", "2023-11-15 06:13:20"},
		{"TIMESTAMP_LTZ(3)", false, "2023-11-14 22:13:20.12Z", "2023-11-15 06:13:20.12"},
		{"TIMESTAMP_LTZ(3)", true, "2023-11-14T22:13:20.12Z", "2023-11-15 06:13:20.12"},
	} {
		col, ok := timeColumnOf(&domain.Column{Name: "city_ts", Type: c.sql}, c.iso)
		if !ok {
			t.Errorf("%s is not known", c.sql)
			continue
		}
		if text := col.text(at, zone); text != c.text || col.wall(text, zone) != c.wall || col.wall(nullText, zone) != nullText {
			t.Errorf("%s, ISO %t: %q, in the table %q", c.sql, c.iso, text, col.wall(text, zone))
		}
		for _, not := range []string{"2023-11-15 06.13", "2023-11-15x06:13:20", ""} {
			if got := col.wall(not, zone); (c.iso || col.utc) && got != misformed+not || got == c.wall {
				t.Errorf("%s: %q is taken for a time: %q", c.sql, not, got)
			}
		}
	}
	for _, sql := range []string{"STRING", "BIGINT", "TIMESTAMP WITH TIME ZONE"} {
		if _, ok := timeColumnOf(&domain.Column{Type: sql}, false); ok {
			t.Errorf("%s is taken for a time", sql)
		}
	}
}

// A time of the hub that is right but in another form is another text.
func TestHubInAnotherForm(t *testing.T) {
	w := newWorld()
	format := domain.FlinkFormat()
	format.Timestamps = domain.TimestampISO
	w.format = formatOf(&format)
	out := w.compare(t)
	if n := out.Counts[domain.Altered]; n != 20 || w.report.Verdict != domain.Diverged { // city_ts in the hub, extract_time beyond
		t.Errorf("%d altered, verdict %s: %+v", n, w.report.Verdict, w.report.Findings)
	}
}

// Nothing that was not compared leaves a verdict clean, and a difference comes before it.
func TestUncheckedIsNotClean(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"a removed city":     func(w *world) { w.part.unit.unread, w.part.rows = "removed", nil },
		"a column of others": func(w *world) { w.format.unchecked = []string{"load"} },
		"text in a charset":  func(w *world) { w.part.unit.text = textOf(domain.SourceFormat{Charset: "GBK"}) },
		"no extract_time":    func(w *world) { w.format.extract = nil },
		"no time, no city":   func(w *world) { w.format.timestamp, w.part.unit.unread = nil, "removed" },
		"no record, no city": func(w *world) { w.format.record, w.part.unit.unread = nil, "removed" },
	} {
		w := newWorld()
		spoil(w)
		w.compare(t)
		if w.report.Verdict != domain.NotChecked || len(w.report.Unchecked) == 0 || w.report.Unchecked[0].Rows != 10 {
			t.Errorf("%s: %s: %s: %+v %+v", name, w.report.Verdict, w.report.Why, w.report.Unchecked, w.report.Findings)
		}
		w = newWorld()
		spoil(w)
		w.table[3].hubTime = "2001-01-01 00:00:00"
		w.compare(t)
		if w.report.Verdict != domain.Diverged {
			t.Errorf("%s, and a difference: %s: %s", name, w.report.Verdict, w.report.Why)
		}
	}
}
