package domain_test

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
)

// Every cell of architecture.md, "Doris projection".
func TestSettleDoris(t *testing.T) {
	type row struct{ unprepared, prepared domain.DorisAction }
	for state, want := range map[domain.DorisState]row{
		domain.DorisUnknown:      {domain.DorisAbort, domain.DorisAskRows},
		domain.DorisPrepare:      {domain.DorisAbortLabel, domain.DorisIncidents},
		domain.DorisPrecommitted: {domain.DorisAbortLabel, domain.DorisCommit},
		domain.DorisInCommit:     {domain.DorisIncidents, domain.DorisWait},
		domain.DorisVisible:      {domain.DorisIncidents, domain.DorisDone},
		domain.DorisInAborted:    {domain.DorisAbort, domain.DorisAbort},
		"":                       {domain.DorisIncidents, domain.DorisIncidents},
		"visible":                {domain.DorisIncidents, domain.DorisIncidents},
		"FINISHED":               {domain.DorisIncidents, domain.DorisIncidents},
	} {
		got := row{domain.SettleDoris(false, state), domain.SettleDoris(true, state)}
		if got != want {
			t.Errorf("%q: %+v, want %+v", state, got, want)
		}
	}
}

func TestLabels(t *testing.T) {
	begun := domain.Ref{Stream: domain.Stream{Pipeline: "low-alt", Shard: 3, Leg: domain.LegDoris}, Seq: 17, Hash: domain.Hash{0xab, 1, 2, 3, 4, 0xff, 9}}
	if got := domain.Label(begun); got != "hefu-low-alt-3-17-ab01020304ff" {
		t.Error(got)
	}
	longest := domain.Ref{Stream: domain.Stream{Pipeline: strings.Repeat("p", 32), Shard: 1<<63 - 1, Leg: domain.LegDoris}, Seq: 1<<64 - 1}
	if n := len(domain.Label(longest)); n > 128 {
		t.Errorf("%d bytes", n)
	}
	// doris-wire.md §3.1
	allowed := regexp.MustCompile(`^[-_A-Za-z0-9:]{1,128}$`)
	refs := rapid.Custom(func(t *rapid.T) domain.Ref {
		r := domain.Ref{Stream: domain.Stream{
			Pipeline: rapid.StringMatching(`[-a0-2]{1,5}`).Draw(t, "pipeline"),
			Shard:    rapid.IntRange(0, 30).Draw(t, "shard"), Leg: domain.LegDoris,
		}, Seq: domain.Seq(rapid.IntRange(1, 30).Draw(t, "seq"))}
		r.Hash[0] = byte(rapid.IntRange(0, 1).Draw(t, "hash"))
		return r
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := refs.Draw(t, "a"), refs.Draw(t, "b")
		if !allowed.MatchString(domain.Label(a)) {
			t.Fatalf("label %q", domain.Label(a))
		}
		if (a == b) != (domain.Label(a) == domain.Label(b)) {
			t.Fatalf("%+v and %+v: labels %s and %s", a, b, domain.Label(a), domain.Label(b))
		}
	})
}
