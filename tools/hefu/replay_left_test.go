package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/replay"
)

// A cancelled replay says what it leaves, and how that is removed, where it was ever approved; what
// went into a live target, or into another plan's shadow, belongs there.
func TestLeft(t *testing.T) {
	id := domain.PlanID{0x3f, 0x2a}
	cancelled := replay.Move{To: domain.PlanCancelled, Who: "li", Why: "not needed"}
	table := domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeShadow, Name: "ods.t_shadow"}
	topic := domain.PlanTarget{Kind: domain.TargetTopic, Mode: domain.ModeShadow, Name: "ODS_shadow"}
	fill, catchUp := table, table
	fill.Mode, catchUp.Shadow = domain.ModeFillMissing, domain.PlanID{1}
	for _, c := range []struct {
		target domain.PlanTarget
		moves  []replay.Move
		want   []string
	}{
		{table, []replay.Move{{To: domain.PlanRunning}, cancelled}, []string{
			`left       what was carried, in table ods.t_shadow, if its comment is "hefu replay 3f2a0000"`, "remove     DROP TABLE ods.t_shadow",
		}},
		{table, []replay.Move{cancelled}, nil},
		{table, []replay.Move{{To: domain.PlanRunning}, {To: domain.PlanDone}}, nil},
		{fill, []replay.Move{{To: domain.PlanRunning}, cancelled}, nil},
		{catchUp, []replay.Move{{To: domain.PlanRunning}, cancelled}, nil},
		{domain.PlanTarget{Kind: domain.TargetNull}, []replay.Move{{To: domain.PlanRunning}, cancelled}, nil},
		{domain.PlanTarget{Kind: domain.TargetFile}, []replay.Move{{To: domain.PlanRunning}, cancelled}, []string{
			"left       files of shards that were whole, in replays/3f2a0000 of data_dir; what was half written is removed",
		}},
		{topic, []replay.Move{{To: domain.PlanRunning}, {To: domain.PlanPaused}, cancelled}, []string{
			"left       what was carried, in topics ODS_shadow and ODS_shadow-progress, if this replay made them",
			"remove     kafka-topics.sh --bootstrap-server … --delete --topic ODS_shadow", "remove     kafka-topics.sh --bootstrap-server … --delete --topic ODS_shadow-progress",
		}},
	} {
		r := &replay.Shown{ID: id, State: c.moves[len(c.moves)-1].To, Plan: domain.Plan{Target: c.target}, Moves: c.moves}
		var out bytes.Buffer
		(&printer{w: &out, config: "hefu.yaml"}).status(r)
		var got []string
		for line := range strings.Lines(out.String()) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "left ") || strings.HasPrefix(line, "remove ") {
				got = append(got, line)
			}
		}
		if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%+v, %d moves: %q\nwant %q", c.target, len(c.moves), got, c.want)
		}
	}
}
