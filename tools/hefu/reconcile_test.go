package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
)

// What differs comes before what was not checked, and that is not clean either.
func TestCompareOutcome(t *testing.T) {
	of := func(verdicts ...domain.Verdict) int {
		var reports []*reconcile.Report
		for _, v := range verdicts {
			reports = append(reports, &reconcile.Report{Verdict: v})
		}
		err := compareOutcome(reports)
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

func TestPrintUnchecked(t *testing.T) {
	var b strings.Builder
	printReport(&b, &reconcile.Report{Verdict: domain.NotChecked, Why: "2 things were not checked", Others: reconcile.Others{NotRead: 7}, Unchecked: []reconcile.Unchecked{
		{Source: "south", City: "320200", Where: "hub", Rows: 1200, Why: "it is gone"},
		{Where: "doris", Column: "extract_time", Rows: 3, Why: "no such form"},
	}})
	for _, want := range []string{
		"not checked in hub: source south city 320200: 1,200 rows: it is gone\n",
		"not checked in doris: all sources: 3 rows, column extract_time: no such form\n",
		"7 rows in cities that are not to be read", "verdict: not checked: 2 things",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
