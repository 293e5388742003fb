package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/report/reporttest"
)

// TestRebased: a report on a rebuilt journal verifies, fits the schema, and says on the terminal and
// on the page what it does not vouch for.
func TestRebased(t *testing.T) {
	e := reporttest.Clean(t)
	e.Report.Journal.Rebased = report.RebasedOf(&domain.Rebased{
		Old: domain.JournalID{7}, Who: "li", Why: "the disk is gone",
		Positions: []domain.RebasedPosition{{Source: "nanjing", Generation: 1, Partition: 3, Next: 4711, How: "behind its furthest row"}},
		Unproven: []domain.Unproven{
			{What: "offsets without a row", Where: "source nanjing partition 3", Count: 5, Spans: domain.Spans{{First: 2, Next: 4}}},
			{What: "strange records", Where: "hub topic", Count: 1},
		},
	})
	v := verified(t, e)
	got, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.Seal()))
	if err == nil {
		err = schema(t).Validate(got)
	}
	if err != nil {
		t.Error(err)
	}
	var text bytes.Buffer
	report.Print(&text, v.Report)
	html := page(t, v)
	for _, want := range []string{
		"by li: the disk is gone", "source nanjing partition 3: 5 offsets without a row: [2,4) and more", "hub topic: 1 strange records",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the terminal lacks %q:\n%s", want, &text)
		}
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if want := "source nanjing partition 3 before offset 4711: of the journal before, not checked"; !strings.Contains(text.String(), want) {
		t.Errorf("the terminal lacks %q", want)
	}
	if !strings.Contains(html, "4,711") || !strings.Contains(html, (domain.JournalID{7}).String()) {
		t.Error("the page lacks the position, or the journal before")
	}
}
