package doris_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
)

// newFormatsWorld is one of three sources: nanjing sends text in GBK, wuxi JSON with a
// column record, suzhou bytes.
func newFormatsWorld(t *testing.T, model string) *world {
	w := newWorld(t, model)
	w.cfg.Pipeline.Sources = []domain.SourceConfig{
		{ID: "nanjing", City: "320100", Format: domain.SourceFormat{Charset: "GBK"}},
		{ID: "wuxi", City: "320200", Base: 2, Format: domain.SourceFormat{
			Kind: domain.FormatJSON, Columns: []domain.Declared{{Name: "load", Type: "DOUBLE"}, {Name: "record", Type: "STRING"}},
		}},
		{ID: "suzhou", City: "320500", Base: 2, Format: domain.SourceFormat{Binary: true}},
	}
	w.opened()
	return w
}

// said is a record and the text that its source's format makes of it, in Go's quotes.
type said struct{ value, text string }

func saidBy(source domain.SourceID, partition int32, list ...said) part {
	p := part{source: source, partition: partition}
	for _, s := range list {
		p.records = append(p.records, record{[]byte(s.value), cityTime})
		p.texts = append(p.texts, s.text)
	}
	return p
}

// inGBK and such are rows of each source that read.
var (
	inGBK   = said{"\xC4\xCF\xBE\xA9\xFF", `"南京�"`}
	inJSON  = said{`{"record":"\u65e0锡","more":[],"load":"1.5"}`, `"无锡"`}
	nested  = said{`{"record":{"a": ["苏"]}}`, `"{\"a\":[\"苏\"]}"`}
	noField = said{`{}`, "NULL"}
	inBytes = said{"\x00\xFF\x01", `"AP8B"`}
	broken  = said{`{"record":"x","load":"secret"}`, ""}
)

// Each row is read as its own source declares it, whichever rows lie beside it.
func TestCarriesAsDeclared(t *testing.T) {
	for _, model := range []string{unique, duplicate} {
		t.Run(model, func(t *testing.T) {
			w := newFormatsWorld(t, model)
			p := w.start()
			json := saidBy("wuxi", 0, inJSON, broken, nested, noField)
			json.hubParts = [][2]int64{{0, 1}, {2, 2}} // the hub left out what does not read
			p.until(w.feed(saidBy("nanjing", 0, inGBK, said{"", `""`}), json, saidBy("suzhou", 0, inBytes), saidBy("nanjing", 1, inGBK)))
			p.until(w.feed(saidBy("suzhou", 0, inBytes, said{"", `""`}), saidBy("wuxi", 1, nested)))
			p.stop()
			w.Tally()
			if s := p.reporter.Status(); s.Opens != 1 || s.Excluded != 0 {
				t.Errorf("opened %d times, %d rows left out: %s", s.Opens, s.Excluded, s.Error)
			}
		})
	}
}

// What the column holds is measured of the text that it gets, and what does not read is
// left out here too, where the hub let it through.
func TestExcludesAsDeclared(t *testing.T) {
	w := newFormatsWorld(t, duplicate)
	w.cfg.MaxRecordBytes = 300
	p := w.start()
	long := func(n int) said { return said{strings.Repeat("\xC4\xCF", n), `"` + strings.Repeat("南", n) + `"`} }
	binary := func(n int) said {
		return said{strings.Repeat("\x00", n), `"` + strings.Repeat("A", n/3*4) + `"`}
	}
	bulky := said{`{"record":"x","more":"` + strings.Repeat("y", 1000) + `"}`, `"x"`}
	var at []domain.Seq
	for _, c := range []part{
		saidBy("nanjing", 0, long(100), inGBK, long(101), inGBK),
		saidBy("wuxi", 0, bulky, inJSON, broken, nested),
		saidBy("suzhou", 0, binary(225), inBytes, binary(228), inBytes),
	} {
		w.lose = map[int64]bool{2: true}
		p.until(w.feed(c))
		w.lose = nil
		ingest := w.history(domain.LegIngest)
		at = append(at, ingest[len(ingest)-1].Seq)
	}
	p.stop()
	w.Tally()
	x := func(i int, value, reason, detail string) domain.Exclusion {
		return domain.Exclusion{Ingest: at[i], Ordinal: 2, Count: 1, Offset: 2, Reason: reason, Detail: detail, Digest: sha256.Sum256([]byte(value))}
	}
	want := []domain.Exclusion{
		x(0, long(101).value, domain.ExcludedTooLargeDoris, ""),
		x(1, broken.value, domain.ExcludedUnreadable, "column load: not a DOUBLE"),
		x(2, binary(228).value, domain.ExcludedTooLargeDoris, ""),
	}
	var got []domain.Exclusion
	for _, ev := range events[*domain.DorisBegun](w) {
		got = append(got, ev.Excluded...)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("excluded: %s", d)
	}
}

// Rows that Doris refuses are found, by its log, which quotes the text, or by its counts.
func TestRefusedAsDeclared(t *testing.T) {
	for name, c := range map[string]struct {
		r      *refuser
		probes int
	}{
		"named":  {&refuser{quote: whole, keeps: 50}, 1},
		"no log": {&refuser{}, 5},
	} {
		for source, row := range map[domain.SourceID][2]said{
			"nanjing": {inGBK, {"\xB2\xBB\xD2\xAA", `"不要"`}},
			"wuxi":    {nested, {`{"load":1,"record":{"no": "不要"}}`, `"{\"no\":\"不要\"}"`}},
			"suzhou":  {inBytes, {"\x01\x02\x03", `"AQID"`}},
		} {
			t.Run(fmt.Sprint(name, " ", source), func(t *testing.T) {
				w := newFormatsWorld(t, duplicate)
				r := w.refusing(&refuser{quote: c.r.quote, keeps: c.r.keeps, refuses: func(line string) bool {
					return strings.Contains(line, "不要") || strings.Contains(line, `"AQID"`)
				}})
				bad := saidBy(source, 0, row[0], row[0], row[0], row[0], row[0], row[1], row[0], row[0])
				w.lose = map[int64]bool{5: true}
				p := w.start()
				p.until(w.feedSpoilt(bad))
				p.until(w.feed(saidBy(source, 0, row[0])))
				p.stop()
				w.Tally()
				w.excludes(bad, map[bool]string{true: "Reason: not to its taste", false: "Doris gives no reason"}[c.r.quote != nil], 5)
				w.probesSay()
				if name == "named" && r.probes != 1 || r.probes > 2*c.probes {
					t.Errorf("%d probes", r.probes)
				}
			})
		}
	}
}

// What became of a load that Doris has forgotten is in its rows, also where the intent
// lists one that does not read, and was made within wider bounds than those of today.
func TestRowsDecideAsDeclared(t *testing.T) {
	for name, c := range map[string]struct {
		operation string
		want      []domain.Kind
	}{
		"all there":  {"commit", []domain.Kind{begun, prepared, committed}},
		"none there": {"abort", []domain.Kind{begun, prepared, aborted, begun, aborted, begun, prepared, committed}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFormatsWorld(t, duplicate)
			list := saidBy("wuxi", 0, inJSON, broken, nested)
			list.hubParts = [][2]int64{{0, 3}} // an earlier hub leg let it through
			w.lose = map[int64]bool{1: true}
			from := w.feed(list)
			w.lose = nil
			ingest := w.history(domain.LegIngest)
			bytes := said{strings.Repeat("\x00", 150), `"` + strings.Repeat("A", 200) + `"`}
			to := w.feed(saidBy("nanjing", 0, inGBK), saidBy("suzhou", 1, bytes, inBytes))
			h := w.beginsAs(from, to, func(ev *domain.DorisBegun) {
				ev.Excluded = []domain.Exclusion{{
					Ingest: ingest[len(ingest)-1].Seq, Ordinal: 1, Count: 1, Offset: 1, Reason: domain.ExcludedUnreadable,
					Detail: "column load: not a DOUBLE", Digest: sha256.Sum256([]byte(broken.value)),
				}}
			})
			h.loads(strings.NewReader(h.lines()))
			h.prepares()
			h.does(c.operation)
			h.forgets()
			if c.operation == "commit" {
				w.cfg.MaxRecordBytes = 150
			}
			p := w.start()
			p.until(to)
			p.until(w.feed(saidBy("nanjing", 0, inGBK)))
			p.stop()
			w.Tally()
			if got := w.kinds(); !slices.Equal(got[:min(len(got), len(c.want))], c.want) {
				t.Errorf("stream holds %v, want %v", got, c.want)
			}
			how := events[*domain.DorisCommitted](w)[0].How
			if (how == "rows of the table") != (c.operation == "commit") {
				t.Errorf("committed by %s", how)
			}
		})
	}
}
