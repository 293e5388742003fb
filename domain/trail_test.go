package domain_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
)

// The trail that each event carries says what a look over the whole stream says.
func TestTrailIsTheStreamInShort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var trail, want domain.Trail
		for seq := range domain.Seq(rapid.IntRange(1, 30).Draw(t, "events")) {
			seq += 2
			carried := trail
			var e domain.Event
			switch kind := rapid.IntRange(0, 8).Draw(t, "kind"); kind {
			case 0:
				e, want.Begun = &domain.HubBegun{Trail: carried}, seq
			case 1:
				e, want.Begun = &domain.DorisBegun{Trail: carried}, seq
			case 2:
				e, want.Prepared = &domain.DorisPrepared{Trail: carried}, seq
			case 3:
				e, want.Outcome, want.Commit = &domain.HubCommitted{Trail: carried}, seq, seq
			case 4:
				e, want.Outcome, want.Commit = &domain.DorisCommitted{Trail: carried}, seq, seq
			case 5:
				e, want.Outcome = &domain.HubAborted{Trail: carried}, seq
			case 6:
				e, want.Outcome = &domain.DorisAborted{Trail: carried}, seq
			case 7:
				e = &domain.Opened{Trail: carried}
			default:
				e = &domain.Rolled{Trail: carried}
			}
			if got := domain.TrailOf(e); got != carried {
				t.Fatalf("%s carries %+v, read as %+v", e.Kind(), carried, got)
			}
			// As a writer does that knows nothing but the tail.
			if trail = domain.TrailOf(e).After(seq, e); trail != want {
				t.Fatalf("after %s@%d: %+v, want %+v", e.Kind(), seq, trail, want)
			}
			if trail.Open() != (want.Begun > want.Outcome) {
				t.Fatalf("%+v is open: %v", trail, trail.Open())
			}
		}
	})
	if (domain.Trail{}).Open() || domain.TrailOf(&domain.Genesis{}) != (domain.Trail{}) {
		t.Error("a stream without an intent has one open")
	}
}

func TestPositionsOfEveryIngestEvent(t *testing.T) {
	p := []domain.Position{{Source: "nanjing"}}
	for _, e := range []domain.Event{
		&domain.Opened{Positions: p}, &domain.Rolled{Positions: p}, &domain.SourceOpened{Positions: p},
		&domain.Ingested{Positions: p}, &domain.SourceClosed{Positions: p},
	} {
		if got := domain.PositionsOf(e); len(got) != 1 || got[0].Source != "nanjing" {
			t.Errorf("%s: %v", e.Kind(), got)
		}
	}
	if got := domain.PositionsOf(&domain.Genesis{}); got != nil {
		t.Error(got)
	}
}

func TestFinders(t *testing.T) {
	for f, word := range map[domain.Finder]string{domain.FoundBySelf: "self", domain.FoundByNextOwner: "next owner", 0: "?", 9: "?"} {
		if f.String() != word {
			t.Errorf("%d is %s", f, f)
		}
	}
}
