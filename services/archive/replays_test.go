package archive_test

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/file"
)

// plans has a plan approved, of everything that the hub has by now.
func (w *world) plans(id byte) *domain.Plan {
	w.Helper()
	tail, err := w.j.Tail(w.ctx, stream(domain.LegHub))
	must(w.T, err)
	p := &domain.Plan{
		ID: domain.PlanID{id}, Pipeline: pipeline, Target: domain.PlanTarget{Kind: domain.TargetFile}, Lanes: []domain.PlanLane{{First: 1, Last: tail.Ref()}},
	}
	w.say(&domain.ReplayPlanned{ID: p.ID, Digest: p.Digest(), Text: string(p.Text()), Who: "li", Why: "a test"})
	w.moves(p, domain.PlanRunning)
	return p
}

func (w *world) moves(p *domain.Plan, to domain.PlanState) {
	w.Helper()
	w.say(&domain.ReplayMoved{ID: p.ID, Digest: p.Digest(), To: to, Who: "li", Why: "a test"})
}

// The stream of a replay is archived as every other one, and dropped when the replay has ended:
// no leg and no look of the reconciler passes over it.
func TestStreamOfAReplay(t *testing.T) {
	for end, why := range map[domain.PlanState]string{
		domain.PlanRunning: "is neither done nor cancelled", domain.PlanPaused: "is neither done nor cancelled",
		domain.PlanFailed: "is neither done nor cancelled", domain.PlanCancelled: "",
	} {
		t.Run(string(end), func(t *testing.T) {
			w := newWorld(t, journal.NewMemory(), domain.LegHub)
			w.carry(domain.LegHub, w.ingest())
			p := w.plans(7)
			leg := domain.ReplayLeg(p.ID)
			for w.sealed(leg) < 2 {
				w.carry(leg, p.Lanes[0].Last)
			}
			w.moves(p, end)
			w.legs[leg] = true // of whose events the test asks
			before := len(w.events())
			got := line(w.passes(), leg)
			switch {
			case why == "" && (got.Done != "archived and dropped" || got.Why != "" || w.sealed(leg) != 0):
				t.Errorf("%+v, %d segments are left", got, w.sealed(leg))
			case why != "" && (got.Done != "archived" || !strings.Contains(got.Why, "replay "+p.ID.String()+" "+why)):
				t.Errorf("%+v", got)
			}
			if after := len(w.events()); after != before {
				t.Errorf("%d events, before it were %d", after, before)
			}
		})
	}
}

// A replay holds back no segment that it has still to read: what is in the archive alone it reads
// there, and the bytes are the same.
func TestReplayOfWhatIsArchived(t *testing.T) {
	w := newWorld(t, journal.NewMemory(), domain.LegHub)
	for w.sealed(domain.LegHub) < 2 || w.sealed(domain.LegIngest) < 2 {
		w.moved(3)
	}
	stored, archived := w.plans(1), w.plans(2)
	some := w.plans(3)
	some.Rows = domain.Selection{Cities: []domain.CitySpan{{Source: "a", Span: domain.Span{First: 1, Next: 5}}}} // for which ingest is read ahead
	want := w.replays(stored)
	w.reconciled()
	w.passes()
	if w.sealed(domain.LegHub) != 0 || w.sealed(domain.LegIngest) != 0 {
		t.Fatal("a segment is left in the store")
	}
	w.restart()
	if got := w.replays(archived); got != want || strings.Count(want, "\n") < 10 {
		t.Errorf("out of the archive:\n%s\nwant\n%s", got, want)
	}
	if got := w.replays(some); strings.Count(got, "\n") != 4 || !strings.Contains(want, got) {
		t.Errorf("some rows out of the archive:\n%s", got)
	}
}

// moved journals rows of source a, and that they are in the hub, as a broker would send them.
func (w *world) moved(n int64) {
	w.Helper()
	first := w.rows
	w.rows += n
	in := w.append(domain.LegIngest, func(to *journal.Writer) domain.ShardEvent {
		return &domain.Ingested{
			Owned: to.Owned(), ExtractTime: 1_785_000_000_000_000, Positions: []domain.Position{{Source: "a", Generation: 2, Next: w.rows}},
			Runs: []domain.Run{{Source: "a", Generation: 2, First: first, Next: w.rows, Rows: n, Batches: [][]byte{recordBatch(first, n)}}},
		}
	})
	begun := w.append(domain.LegHub, func(to *journal.Writer) domain.ShardEvent {
		return &domain.HubBegun{Owned: to.Owned(), Trail: to.Trail(), First: in, Last: in}
	})
	w.append(domain.LegHub, func(to *journal.Writer) domain.ShardEvent {
		return &domain.HubCommitted{
			Owned: to.Owned(), Trail: to.Trail(), Begun: begun, Cursor: in, Time: 1_785_000_001_000_000, Rows: n,
			Runs: []domain.HubRun{{Ingest: in.Seq, Offset: 100 + first, N: n}},
		}
	})
}

func recordBatch(base, n int64) []byte {
	var records []byte
	for i := range n {
		rec := kmsg.Record{OffsetDelta: int32(i), TimestampDelta64: i, Value: fmt.Appendf(nil, `{"row":%d,"of":%q}`, base+i, strings.Repeat("x", 60))}
		body := rec.AppendTo(nil)[1:] // its length is written as zero, one byte
		records = append(binary.AppendVarint(records, int64(len(body))), body...)
	}
	b := (&kmsg.RecordBatch{
		FirstOffset: base, Length: int32(49 + len(records)), Magic: 2, LastOffsetDelta: int32(n) - 1, FirstTimestamp: 1_785_000_000_000,
		MaxTimestamp: 1_785_000_000_000 + n - 1, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(n), Records: records,
	}).AppendTo(nil)
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// replays carries a plan into a file, and gives what is in it.
func (w *world) replays(p *domain.Plan) string {
	w.Helper()
	c := file.Config{
		DataDir: w.TempDir(), Replay: &projections.Replay{Plan: p, Lane: p.Lanes[0], Pace: projections.NewPace(domain.PlanLimits{})},
		Pipeline: domain.PipelineConfig{
			Timezone: "Asia/Shanghai", Format: domain.FlinkFormat(), HubTopic: "hub", HubPartitions: 1, Shards: 1,
			Sources: []domain.SourceConfig{{ID: "a", City: "320100"}},
		},
	}
	f, err := file.New(c, w.j, 1, 1, projections.NewReporter(p.Stream(0)), slog.New(slog.DiscardHandler))
	must(w.T, err)
	leg, err := f.Open(w.ctx)
	must(w.T, err)
	defer leg.Close()
	must(w.T, leg.Run(w.ctx))
	b, err := os.ReadFile(filepath.Join(c.DataDir, filepath.FromSlash(file.Name(p.ID, 0))))
	must(w.T, err)
	return string(b)
}
