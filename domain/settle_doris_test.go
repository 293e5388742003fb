package domain_test

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
)

// Every cell of architecture.md, "Doris projection".
func TestSettleDoris(t *testing.T) {
	type row struct{ unprepared, prepared, once domain.DorisAction }
	for state, want := range map[domain.DorisState]row{
		domain.DorisUnknown:      {domain.DorisAbort, domain.DorisAskRows, domain.DorisAbort},
		domain.DorisPrepare:      {domain.DorisAbortLabel, domain.DorisIncidents, domain.DorisAbortLabel},
		domain.DorisPrecommitted: {domain.DorisAbortLabel, domain.DorisCommit, domain.DorisAbortLabel},
		domain.DorisInCommit:     {domain.DorisIncidents, domain.DorisWait, domain.DorisWait},
		domain.DorisVisible:      {domain.DorisIncidents, domain.DorisDone, domain.DorisDone},
		domain.DorisInAborted:    {domain.DorisAbort, domain.DorisAbort, domain.DorisAbort},
		"":                       {domain.DorisIncidents, domain.DorisIncidents, domain.DorisIncidents},
		"visible":                {domain.DorisIncidents, domain.DorisIncidents, domain.DorisIncidents},
		"FINISHED":               {domain.DorisIncidents, domain.DorisIncidents, domain.DorisIncidents},
	} {
		got := row{
			domain.SettleDoris(domain.ExactlyOnce, false, state), domain.SettleDoris(domain.ExactlyOnce, true, state),
			domain.SettleDoris(domain.AtLeastOnce, false, state),
		}
		if got != want {
			t.Errorf("%q: %+v, want %+v", state, got, want)
		}
		if got := domain.SettleDoris(domain.None, false, state); got != domain.DorisAssume {
			t.Errorf("%q without a promise: %v", state, got)
		}
	}
}

// A probe is never a commit, whatever the target promises; the promise chooses for
// everything else.
func TestSettleIntent(t *testing.T) {
	states := []domain.DorisState{
		domain.DorisUnknown, domain.DorisPrepare, domain.DorisPrecommitted, domain.DorisInCommit, domain.DorisVisible, domain.DorisInAborted, "",
	}
	probe := map[domain.DorisState]domain.DorisAction{
		domain.DorisUnknown: domain.DorisAbort, domain.DorisInAborted: domain.DorisAbort,
		domain.DorisPrepare: domain.DorisAbortLabel, domain.DorisPrecommitted: domain.DorisAbortLabel,
		domain.DorisInCommit: domain.DorisIncidents, domain.DorisVisible: domain.DorisIncidents, "": domain.DorisIncidents,
	}
	for _, semantic := range []domain.Semantic{domain.None, domain.AtLeastOnce, domain.ExactlyOnce, ""} {
		load, look := &domain.DorisBegun{Semantic: semantic}, &domain.DorisBegun{Semantic: semantic, Probe: &domain.DorisProbe{}}
		for _, state := range states {
			for _, prepared := range []bool{false, true} {
				if got, want := load.Settle(prepared, state), domain.SettleDoris(semantic, prepared, state); got != want {
					t.Errorf("%q, prepared %v, %q: %v, want %v", semantic, prepared, state, got, want)
				}
			}
			if got := look.Settle(false, state); got != probe[state] {
				t.Errorf("probe of %q, %q: %v, want %v", semantic, state, got, probe[state])
			}
			if got := look.Settle(true, state); got != domain.DorisIncidents {
				t.Errorf("prepared probe of %q, %q: %v", semantic, state, got)
			}
		}
		if two := semantic != domain.None && semantic != domain.AtLeastOnce; load.TwoPhase() != two || !look.TwoPhase() {
			t.Errorf("%q: two phases: load %v, probe %v", semantic, load.TwoPhase(), look.TwoPhase())
		}
	}
}
