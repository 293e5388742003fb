package report_test

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/report/reporttest"
)

// TestSealed verifies what was sealed, with the key and without one.
func TestSealed(t *testing.T) {
	for name, c := range map[string]struct {
		make    func(testing.TB) *reporttest.Example
		verdict domain.Verdict
	}{
		"clean": {reporttest.Clean, domain.Verified},
		"rich":  {reporttest.Rich, domain.Diverged},
	} {
		t.Run(name, func(t *testing.T) {
			e := c.make(t)
			file := e.Seal()
			for _, keys := range [][]string{{e.Key}, nil} {
				v, err := report.Verify(file, keys...)
				if err != nil {
					t.Fatal(err)
				}
				if v.Report.Verdict != c.verdict || v.Key != e.Key || v.Vouched != (keys != nil) {
					t.Errorf("verdict %s (%s), key %s, vouched %t", v.Report.Verdict, v.Report.Why, v.Key, v.Vouched)
				}
			}
			t.Logf("%d bytes, %d windows: %s", len(file), len(e.Report.Windows), e.Report.Why)
			if again := c.make(t).Seal(); string(again) != string(file) {
				t.Error("the same contents were sealed as other bytes")
			}
		})
	}
}
