package explain_test

import (
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
)

// replay plans a replay of what the hub has up to a place, and approves it.
func (s *scroll) replay(id byte, rows domain.Selection, last domain.Ref) *domain.Plan {
	s.t.Helper()
	p := &domain.Plan{
		ID: domain.PlanID{id}, Pipeline: "bridge", Created: s.tick(1000), Rows: rows, Lanes: []domain.PlanLane{{First: 1, Last: last}},
		Target: domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeFillMissing, Name: "ods.ODS_QL_JC_SSJC"},
	}
	s.control(&domain.ReplayPlanned{ID: p.ID, Digest: p.Digest(), Text: string(p.Text()), Who: "zhao", Why: "rows are gone"})
	s.control(&domain.ReplayMoved{ID: p.ID, Digest: p.Digest(), To: domain.PlanRunning, Who: "lin", Why: "the report says so"})
	return p
}

// fills has a replay load what it takes.
func (s *scroll) fills(p *domain.Plan, first, last domain.Ref, n int64) {
	s.t.Helper()
	to := p.Stream(0)
	if s.tails[to].IsZero() {
		s.put(to, &domain.Opened{Owned: s.owned(), Config: s.conf})
	}
	begun := s.put(to, &domain.DorisBegun{Owned: s.owned(), Trail: s.trail[to], Config: s.conf, First: first, Last: last, Time: s.tick(5000), Table: p.Target.Name, Semantic: domain.ExactlyOnce})
	s.put(to, &domain.DorisCommitted{Owned: s.owned(), Trail: s.trail[to], Begun: begun, Cursor: last, Txn: 2044, How: "transaction state", Rows: n, Visible: s.tick(300), FoundBy: domain.FoundBySelf})
}

// A row that a replay carried once more has that in its life: who approved it and why, and the load.
// One that the replay does not take, or has not come to, has nothing of it.
func TestReplayInALife(t *testing.T) {
	s := stored(t)
	first := s.ingested(rows("nanjing", 1, 0, 100, 110))
	second := s.ingested(rows("nanjing", 1, 0, 110, 120))
	one := s.carried(first, first, domain.HubRun{Ingest: first.Seq, N: 10, Partition: 0, Offset: 500})
	two := s.carried(second, second, domain.HubRun{Ingest: second.Seq, N: 10, Partition: 0, Offset: 511})
	load := s.dorisBegun(one, two, nil)
	s.visible(load, two, 1017, 20, domain.FoundBySelf)
	filled := s.replay(7, domain.Selection{Hub: []domain.HubSpan{{Span: domain.Span{First: 504, Next: 506}}}}, two)
	s.fills(filled, one, one, 2)
	waits := s.replay(8, domain.Selection{}, two)
	s.fills(waits, one, one, 10)
	ended := s.replay(9, domain.Selection{Cities: []domain.CitySpan{{Source: "wuxi", Span: domain.Span{First: 0, Next: 1000}}}}, two)
	s.fills(ended, one, two, 0)
	golden(t, "replayed", text(t, s.ask(at(105))))
	for offset, want := range map[int64][]string{104: {"07000000", "08000000"}, 106: {"08000000"}, 115: nil} {
		got := text(t, s.ask(at(offset)))
		for _, id := range []string{"07000000", "08000000", "09000000"} {
			told := strings.Contains(got, "replay "+id+" into table ods.ODS_QL_JC_SSJC (fill-missing) is approved by lin: the report says so")
			if should := strings.Contains(strings.Join(want, " "), id); told != should {
				t.Errorf("row %d, replay %s is told: %t\n%s", offset, id, told, got)
			}
		}
	}
}
