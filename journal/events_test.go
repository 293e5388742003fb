package journal_test

import (
	"reflect"
	"testing"

	"github.com/hefu-io/hefu/domain"
)

const pipeline = "lowaltitude"

func shard(leg domain.Leg) domain.Stream {
	return domain.Stream{Pipeline: pipeline, Shard: 3, Leg: leg}
}

func filled[T ~[16]byte | ~[32]byte](v byte) (out T) {
	b := reflect.ValueOf(&out).Elem()
	for i := range b.Len() {
		b.Index(i).SetUint(uint64(v) + uint64(i))
	}
	return out
}

// fullEvents is one event of each kind with every field set.
func fullEvents() []domain.Event {
	owned := domain.Owned{Incarnation: 17}
	trail := domain.Trail{Begun: 900, Prepared: 901, Outcome: 902, Commit: 899}
	incident := filled[domain.IncidentID](0x10)
	ref := func(leg domain.Leg, seq domain.Seq) domain.Ref {
		return domain.Ref{Stream: shard(leg), Seq: seq, Hash: filled[domain.Hash](byte(seq))}
	}
	positions := []domain.Position{
		{Source: "nanjing", Generation: 1, Partition: 1, Next: 1 << 40, LeaderEpoch: 7, LastBase: 12345, LastCRC: 0xfeedbeef, LastSeq: 39, TopicID: filled[[16]byte](0x50), Bounded: true, Stop: 1 << 41, Closed: true},
		{Source: "suzhou", Generation: 2, Partition: 2, Next: 3, LeaderEpoch: -1, LastBase: -1, LastCRC: 1},
	}
	excluded := []domain.Exclusion{{
		Ingest: 40, Run: 2, Ordinal: 7, Count: 1, Offset: 4711, Reason: domain.ExcludedTooLarge, Digest: filled[domain.Hash](0x60), Detail: "Reason: no such date",
	}}
	return []domain.Event{
		&domain.Genesis{Created: 1_785_000_000_123_456, Pipeline: pipeline},
		&domain.Rolled{Owned: owned, Positions: positions, Trail: trail},
		&domain.Started{
			Instance: "hefu-0", Host: "host-a", PID: 4711, Version: "1.2.3",
			Claims: []domain.Claim{{Shard: 3, Leg: domain.LegIngest}, {Shard: 4, Leg: domain.LegDoris}}, Nonce: filled[[16]byte](0x70),
		},
		&domain.PipelineConfigured{Digest: filled[domain.Hash](0x20), Config: domain.PipelineConfig{
			Timezone: "Asia/Shanghai", HubTopic: "hub", Direct: true, HubPartitions: 12, Shards: 4, Table: "ods.track",
			Format: domain.HubFormat{
				Columns:    []domain.Column{{Name: "v", Type: "DOUBLE", From: domain.FromField, Field: "value", Via: "TIMESTAMP(6)"}},
				Timestamps: domain.TimestampISO, IgnoreNull: true, DecimalAsPlain: true, PassKey: true, PassHeaders: true,
			},
			Sources: []domain.SourceConfig{
				{
					ID: "nanjing", City: "320100", Topic: "track", Base: 6, Ended: true, Group: "cities", Late: true,
					Format: domain.SourceFormat{
						Kind: domain.FormatJSON, Charset: "GBK", Binary: true, Columns: []domain.Declared{{Name: "value", Type: "DOUBLE"}},
						FailOnMissing: true, IgnoreErrors: true, Timestamps: domain.TimestampSQL,
					},
				},
				{ID: "suzhou", City: "320500", Topic: "track", Base: 3},
			},
		}},
		&domain.Incident{
			ID: incident, What: domain.IncidentHubAhead, Shard: 3, Source: "nanjing", Stream: shard(domain.LegHub),
			Evidence: []domain.Fact{{Key: "found", Value: "合符 does not match"}}, Choices: []domain.Choice{domain.ChoiceRetry, domain.ChoiceAcceptGap},
		},
		&domain.Operator{Action: domain.OperatorPause, Target: "nanjing", Who: "wang", Why: "the city asked"},
		&domain.Resolved{ID: incident, Choice: domain.ChoiceRetry, Who: "wang", Why: "the topic is back"},
		&domain.Opened{Owned: owned, Config: 2, Positions: positions, Trail: trail},
		&domain.SourceOpened{
			Owned: owned, Source: "nanjing", Generation: 2, ClusterID: "c-1", Topic: "track", TopicID: filled[[16]byte](0x30),
			StartPolicy: "latest-offset", StopPolicy: "timestamp", Config: 2, Incident: incident, Positions: positions,
			Starts: []domain.Start{{Partition: 1, LogStart: 5, First: 9, How: "log end", Bounded: true, Stop: 77, StopHow: "timestamp"}},
		},
		&domain.Ingested{
			Owned: owned, ExtractTime: 1_785_000_001_000_000, Incident: incident, Positions: positions,
			Runs: []domain.Run{
				{
					Source: "nanjing", Generation: 1, Partition: 1, LeaderEpoch: 7, First: 100, Next: 110, Rows: 8,
					Gaps: []domain.Gap{
						{Span: domain.Span{First: 104, Next: 105}, Reason: domain.ReasonCommitMarker},
						{Span: domain.Span{First: 108, Next: 109}, Reason: domain.ReasonUnexplained},
					},
					Batches: [][]byte{[]byte("record batches as the broker sent them")},
				},
				{Source: "suzhou", Generation: 2, Partition: 2, LeaderEpoch: -1, First: 1, Next: 3, Rows: 2, Batches: [][]byte{[]byte("another")}},
			},
		},
		&domain.SourceClosed{Owned: owned, Source: "nanjing", Why: "ended in hefu.yaml", Positions: positions},
		&domain.HubBegun{
			Owned: owned, Trail: trail, Config: 2, First: ref(domain.LegIngest, 40), Last: ref(domain.LegIngest, 44),
			Time: 1_785_000_002_000_000, Semantic: domain.AtLeastOnce, Excluded: excluded,
		},
		&domain.HubCommitted{
			Owned: owned, Trail: trail, Begun: ref(domain.LegHub, 50), Cursor: ref(domain.LegIngest, 44),
			Runs: []domain.HubRun{{Ingest: 40, Run: 1, First: 2, N: 1000, Partition: 7, Offset: 1 << 33}},
			Time: 1_785_000_002_000_000, ProgressOffset: 77, Rows: 1000, Bytes: 123456, Excluded: excluded,
			FoundBy: domain.FoundByNextOwner, Incident: incident,
		},
		&domain.HubAborted{Owned: owned, Trail: trail, Begun: ref(domain.LegHub, 50), Why: "settled", FoundBy: domain.FoundBySelf, Incident: incident},
		&domain.DorisBegun{
			Owned: owned, Trail: trail, Config: 2, First: ref(domain.LegHub, 51), Last: ref(domain.LegHub, 57),
			Time: 1_785_000_003_000_000, Table: "ods.track", Semantic: domain.ExactlyOnce, Probe: &domain.DorisProbe{First: 5, Next: 9}, Ends: []domain.HubEnd{{Partition: 3, Next: 1 << 34}}, Excluded: excluded,
		},
		&domain.DorisPrepared{
			Owned: owned, Trail: trail, Begun: ref(domain.LegDoris, 60), Label: "hefu-x", Txn: 991, Backend: "be-1:8040", Rows: 12, Bytes: 3456,
		},
		&domain.DorisCommitted{
			Owned: owned, Trail: trail, Begun: ref(domain.LegDoris, 60), Cursor: ref(domain.LegHub, 57), Txn: 991, How: "answer",
			Rows: 12, Visible: 1_785_000_004_000_000, FoundBy: domain.FoundBySelf, Incident: incident,
		},
		&domain.DorisAborted{Owned: owned, Trail: trail, Begun: ref(domain.LegDoris, 60), Why: "settled", FoundBy: domain.FoundByNextOwner, Incident: incident},
		&domain.LineageBegun{
			Owned: owned, Trail: trail, First: ref(domain.LegDoris, 60), Last: ref(domain.LegDoris, 63), Rows: 12, Digest: domain.Sum{Hi: -1, Lo: 1 << 60}, Block: 100_000,
		},
		&domain.LineageCommitted{Owned: owned, Trail: trail, Begun: ref(domain.LegLineage, 5), Cursor: ref(domain.LegDoris, 63), Rows: 12, How: "answer"},
		&domain.Checkpoint{
			Incarnation: 3, Key: "hefu+0123abcd+AYz", Heads: []domain.TreeHead{{Ref: ref(domain.LegHub, 57), Root: domain.Hash{9}, Note: "hefu/x\n57\nroot\n"}},
		},
		&domain.Archived{Last: ref(domain.LegIngest, 44), First: 1, File: "track/0.ingest/1.hefu", Bytes: 4711, Digest: domain.Hash{8}},
		&domain.Dropped{Stream: ref(domain.LegIngest, 44).Stream, First: 1, Last: 44},
		&domain.Reconciled{
			Incarnation: 3, Began: 1_785_000_005_000_000, Done: 1_785_000_006_000_000, Depth: "lineage", Through: []domain.Ref{ref(domain.LegHub, 57)},
			Windows: []domain.WindowResult{{
				Window: domain.Window{Proof: domain.ProofCityHub, Source: "nanjing", Generation: 1, Partition: 3, Index: 2},
				State:  domain.WindowSuspect, Through: 140_000, Why: "the hub has one row less",
				Left:  domain.Vector{Rows: 3, Distinct: 2, Min: 131_072, Max: 131_074, Offsets: domain.Sum{Hi: 1, Lo: 393_219}, Digest: domain.Sum{Hi: -2, Lo: 5}, Xor: 77},
				Right: domain.Vector{Rows: 3, Distinct: 2, Min: 131_072, Max: 131_074, Offsets: domain.Sum{Hi: 1, Lo: 393_219}, Digest: domain.Sum{Hi: -2, Lo: 5}, Xor: 77},
			}},
			Findings: []domain.Finding{{
				Class: domain.Altered, Where: "hub", Source: "nanjing", Generation: 1, City: "320100", Column: "record", Detail: "another text",
				Row: domain.Lineage{City: domain.Coord{Partition: 3, Offset: 131_073, Timestamp: -1}, Hub: domain.Coord{Partition: 7, Offset: 9, Timestamp: 1_785_000_002_000}},
			}},
			Report: domain.Hash{7},
		},
		&domain.Accepted{Finding: domain.FindingID{6}, Who: "li", Why: "known to the city"},
		&domain.ReplayPlanned{ID: domain.PlanID{4}, Digest: domain.Hash{5}, Text: `{"id":"04000000"}`, Who: "li", Why: "rows were lost"},
		&domain.ReplayMoved{
			ID: domain.PlanID{4}, Digest: domain.Hash{5}, To: domain.PlanFailed, Who: "li", Why: "the table is gone", Next: "make it again", Report: domain.Hash{6},
			Limits: domain.PlanLimits{Rows: 1000, Bytes: 1 << 20, Concurrency: 2},
		},
		&domain.TableSwap{Plan: domain.PlanID{4}, Live: "ods.t", Shadow: "ods.t_replay", Step: domain.SwapDone, Who: "li", Why: "repaired", How: "comment of the table"},
		&domain.Rebased{
			Digest: domain.Hash{9}, Old: filled[domain.JournalID](0xb0), Known: []domain.Ref{ref(domain.LegHub, 57)},
			Evidence:  []domain.Fact{{Key: "hub", Value: "the progress record"}},
			Positions: []domain.RebasedPosition{{Source: "nanjing", Generation: 2, Partition: 1, Next: 4711, How: "behind its last row in the hub"}},
			Hub:       []domain.RebasedHub{{Partition: 3, Span: domain.Span{First: 5, Next: 99}, Rows: 80, InTable: 79}},
			Unproven:  []domain.Unproven{{What: "offsets without a row", Where: "source nanjing partition 1", Count: 3, Spans: domain.Spans{{First: 7, Next: 10}}}},
			Who:       "li", Why: "the disk is gone",
		},
	}
}

// A field that nobody set is a field that no golden file holds.
func TestFullEventsSetEveryField(t *testing.T) {
	kinds := map[domain.Kind]bool{}
	for _, ev := range fullEvents() {
		kinds[ev.Kind()] = true
		unset(t, string(ev.Kind()), reflect.ValueOf(ev).Elem())
	}
	if len(kinds) != 29 {
		t.Errorf("%d kinds, the set has 29", len(kinds))
	}
}

func unset(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	switch {
	case v.IsZero():
		t.Errorf("%s is not set", path)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			unset(t, path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case v.Kind() == reflect.Slice:
		unset(t, path+"[0]", v.Index(0))
	}
}
