package main

import (
	"errors"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/report"
)

// What differs comes before what was not checked, and that is not clean either.
func TestCompareOutcome(t *testing.T) {
	of := func(verdicts ...domain.Verdict) int {
		var list []proved
		for _, v := range verdicts {
			list = append(list, proved{Report: &report.Report{Verdict: v}})
		}
		err := compareOutcome(list)
		var coded interface{ ExitCode() int }
		switch {
		case errors.Is(err, errNotGood):
			return exitNotGood
		case errors.As(err, &coded):
			return coded.ExitCode()
		default:
			return exitGood
		}
	}
	if got := of(domain.Verified, domain.Verified); got != exitGood {
		t.Errorf("verified: %d", got)
	}
	if got := of(domain.NotChecked, domain.Verified); got != exitUnknown {
		t.Errorf("not checked: %d", got)
	}
	if got := of(domain.NotChecked, domain.Diverged, domain.Verified); got != exitNotGood {
		t.Errorf("diverged: %d", got)
	}
}

// Times are read as people write them, those without a zone in the pipeline's.
func TestAskingTimes(t *testing.T) {
	p := &config.Pipeline{Name: "bridge", Timezone: "Asia/Shanghai"}
	want := time.Date(2026, 11, 25, 18, 0, 0, 0, time.UTC)
	for _, text := range []string{"2026-11-26T02:00:00+08:00", "2026-11-25T18:00:00Z", "2026-11-26 02:00", "2026-11-26 02:00:00", "2026-11-26T02:00"} {
		a := asking{from: text, sample: -1}
		ask, err := a.of(p)
		if err != nil || !ask.From.Equal(want) || ask.To != nil || ask.Sample != nil {
			t.Errorf("%s: %+v, %v", text, ask, err)
		}
	}
	for _, bad := range []asking{
		{from: "yesterday"},
		{from: "2026-11-26 03:00", to: "2026-11-26 02:00"},
		{from: "2026-11-26 03:00", to: "2026-11-26 03:00"},
		{sample: 101},
	} {
		if ask, err := bad.of(p); err == nil {
			t.Errorf("%+v is taken as %+v", bad, ask)
		}
	}
}
