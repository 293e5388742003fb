package domain_test

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
)

func TestResolveStart(t *testing.T) {
	b := domain.Bounds{LogStart: 10, LastStable: 40, HighWatermark: 50}
	const group = domain.StartGroupOffsets
	for _, c := range []struct {
		at        domain.StartAt
		missing   domain.OnMissingCursor
		committed int64
		first     int64
		how       string
		ok        bool
	}{
		{domain.StartEarliest, domain.MissingFail, 20, 10, "log start", true},
		{domain.StartLatest, domain.MissingFail, 20, 50, "log end", true},
		{group, domain.MissingFail, 20, 20, "committed offset", true},
		{group, domain.MissingFail, 10, 10, "committed offset", true},
		{group, domain.MissingFail, 50, 50, "committed offset", true},
		{group, domain.MissingEarliest, 9, 0, "committed offset 9 outside the log [10,50)", false},
		{group, domain.MissingLatest, 51, 0, "committed offset 51 outside the log [10,50)", false},
		{group, domain.MissingEarliest, 0, 0, "committed offset 0 outside the log [10,50)", false},
		{group, domain.MissingEarliest, -1, 10, "no committed offset: log start", true},
		{group, domain.MissingLatest, -1, 50, "no committed offset: log end", true},
		{group, domain.MissingFail, -1, 0, "no committed offset", false},
	} {
		first, how, ok := domain.ResolveStart(c.at, c.missing, b, c.committed)
		if first != c.first || how != c.how || ok != c.ok {
			t.Errorf("%s, %s, committed %d: %d %q %v, want %d %q %v", c.at, c.missing, c.committed, first, how, ok, c.first, c.how, c.ok)
		}
	}
}

func TestSemanticsPromise(t *testing.T) {
	for s, want := range map[domain.Semantic]string{
		domain.None:        "what is under way at a crash, a stop or a silence counts as loaded, and its rows may be lost",
		domain.AtLeastOnce: "a crash or a silence may double rows and loses none",
		domain.ExactlyOnce: "a crash neither loses nor doubles a row",
		"sometimes":        "unknown semantic sometimes",
	} {
		if got := s.Promise(); got != want {
			t.Errorf("%s: %s", s, got)
		}
	}
}
