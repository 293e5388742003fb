package hub

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// TestRefillSays: what only an operator can mend is a refusal that says how; anything else is tried
// again.
func TestRefillSays(t *testing.T) {
	r := &refiller{topic: kafkaconn.Topic{Name: "hub"}, tails: map[int32]*tail{3: {end: 12}}}
	for want, err := range map[string]error{
		"the marker: CLUSTER_AUTHORIZATION_FAILED":  needsAlter(fmt.Errorf("the marker: %w", kerr.ClusterAuthorizationFailed)),
		"needs ALTER on the cluster":                needsAlter(kerr.ClusterAuthorizationFailed),
		"write rows to hub/3 at 12":                 r.refusedRows(3, kerr.InvalidTimestamp),
		"raise message.timestamp.before.max.ms":     r.refusedRows(3, kerr.InvalidTimestamp),
		"-to hub/3 at 12: OUT_OF_ORDER_SEQUENCE":    r.refusedRows(3, kerr.OutOfOrderSequenceNumber),
		"-NOT_LEADER":                               needsAlter(kerr.NotLeaderForPartition),
		"-hub/3 goes on at 14, and must at 12":      r.elsewhere(&part{tail: &tail{partition: 3, end: 12}}, 14),
		"topic p cannot be filled in: because, and": (&Hub{cfg: Config{Pipeline: domain.PipelineConfig{HubTopic: "p"}, Replay: &projections.Replay{Plan: &domain.Plan{}}}}).cannot("because, and"),
	} {
		var refusal *projections.Refusal
		text, again := strings.CutPrefix(want, "-")
		if err == nil || !strings.Contains(err.Error(), text) || errors.As(err, &refusal) == again {
			t.Errorf("%v, want: %s", err, want)
		}
	}
}

// TestTailNext: a part of a partition is marked up to its next row, written there, and marked
// behind its last one only for a transaction that waits for it.
func TestTailNext(t *testing.T) {
	lines := []line{{offset: 5}, {offset: 6}, {offset: 9}}
	for name, c := range map[string]struct {
		end  int64
		open int
		want step
		done int
	}{
		"before the first":           {3, 0, toMark, 0},
		"at the first":               {5, 0, toWrite, 0},
		"in the midst":               {6, 1, toWrite, 1},
		"in the gap":                 {7, 0, toMark, 2},
		"at the last":                {9, 0, toWrite, 2},
		"behind the last":            {10, 0, nothing, 3},
		"behind it, somebody waits":  {10, 1, toMark, 3},
		"far behind, somebody waits": {12, 1, toMark, 3},
	} {
		p := &part{tail: &tail{span: domain.Span{First: 3, Next: 10}, end: c.end, open: make([]lostEnd, c.open)}, lines: lines}
		if got := p.next(); got != c.want || p.done != c.done {
			t.Errorf("%s: step %d with %d done, want %d with %d", name, got, p.done, c.want, c.done)
		}
	}
}
