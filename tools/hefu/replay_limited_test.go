package main

import (
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/replay"
)

// Other limits are no reason why a replay is where it is, and leave what is to be done as it was.
func TestPrintLimited(t *testing.T) {
	r := &replay.Shown{ID: domain.PlanID{1}, State: domain.PlanFailed, Moves: []replay.Move{
		{To: domain.PlanRunning, Who: "li", Why: "read"},
		{To: domain.PlanFailed, Why: "the disk is full", Next: "make room"},
		{To: domain.PlanFailed, Who: "wang", Why: "at night", Limits: &domain.PlanLimits{Rows: 5}},
	}}
	if got := stateText(r); got != "failed: the disk is full" {
		t.Errorf("in a line it is %q", got)
	}
	var out strings.Builder
	p := printer{w: &out, config: "hefu.yaml"}
	p.moves(r)
	p.next(r)
	for _, want := range []string{"running    by li: read", "failed     by hefu: the disk is full", "limits     5 rows a second, by wang: at night", "do         make room"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "failed     by wang") {
		t.Errorf("it was not wang who made it fail:\n%s", out.String())
	}
}
