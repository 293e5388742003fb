package origin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// found is the findings as "class offset column".
func (a *Again) found() (out []string) {
	for _, f := range a.Findings {
		if f.Where == "journal" && f.Source == "nanjing" && f.City == "320100" && f.Generation == 1 {
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s %d %s", f.Class, f.Row.City.Offset, f.Column)))
		}
	}
	return out
}

// TestReadAgain: what the journal has is what the city has, or each row that is not is found.
func TestReadAgain(t *testing.T) {
	without := func(rows []sent, offset int32) []sent {
		return slices.DeleteFunc(rows, func(r sent) bool { return r.delta == offset })
	}
	hole := func(r *domain.Run, offset int64, reason domain.Reason) {
		r.Gaps = append(r.Gaps, domain.Gap{Span: domain.Span{First: offset, Next: offset + 1}, Reason: reason})
		slices.SortFunc(r.Gaps, func(a, b domain.Gap) int { return int(a.Span.First - b.Span.First) })
	}
	for name, c := range map[string]struct {
		change func(rows []sent, r *domain.Run) []sent
		want   []string
	}{
		"as it is":       {nil, nil},
		"a row is lost":  {func(rows []sent, _ *domain.Run) []sent { return without(rows, 3) }, []string{"lost 3"}},
		"called aborted": {func(rows []sent, r *domain.Run) []sent { hole(r, 8, domain.ReasonAborted); return without(rows, 8) }, []string{"lost 8"}},
		"called a marker": {func(rows []sent, r *domain.Run) []sent {
			hole(r, 16, domain.ReasonCommitMarker)
			return without(rows, 16)
		}, []string{"lost 16"}},
		"called compacted": {func(rows []sent, r *domain.Run) []sent { hole(r, 0, domain.ReasonCompacted); return without(rows, 0) }, []string{"lost 0"}},
		"another record":   {func(rows []sent, _ *domain.Run) []sent { rows[1].value = []byte("row 1\xfe"); return rows }, []string{"altered 1 record"}},
		"null is empty":    {func(rows []sent, _ *domain.Run) []sent { rows[3].value = []byte{}; return rows }, []string{"altered 3 record"}},
		"another time":     {func(rows []sent, _ *domain.Run) []sent { rows[4].ms++; return rows }, []string{"altered 4 city_ts"}},
		"a row at a marker": {func(rows []sent, r *domain.Run) []sent {
			r.Gaps = slices.DeleteFunc(r.Gaps, func(g domain.Gap) bool { return g.Span.First == 10 })
			return slices.Insert(rows, 10, sent{delta: 10, value: []byte("x")})
		}, []string{"strayed 10"}},
		"a row that was aborted": {func(rows []sent, _ *domain.Run) []sent {
			return slices.Insert(rows, 10, sent{delta: 12, value: []byte("x")})
		}, []string{"strayed 12"}},
		"a row beyond the log": {func(rows []sent, r *domain.Run) []sent {
			r.Next++
			return append(rows, sent{delta: 17, value: []byte("x")})
		}, []string{"strayed 17"}},
	} {
		t.Run(name, func(t *testing.T) {
			n := newTown(t, nil)
			n.usualRows()
			n.journal(false, c.change)
			a := n.again(config.ReadCommitted)
			if diff := cmp.Diff(c.want, a.found()); diff != "" {
				t.Errorf("%+v\n%s", a.Findings, diff)
			}
			state := domain.WindowVerified
			if c.want != nil {
				state = domain.WindowDiverged
			}
			if a.State != state || proof.Equal(a.City, a.Journal) != (c.want == nil) || a.City.Rows != 12 || a.Compared != n.window().Span {
				t.Errorf("%s: %s\n%+v\n%+v", a.State, a.Why, a.City, a.Journal)
			}
			if e := a.Evidence; e.HighWater != 17 || e.LastStable != 17 || e.LogStart != 0 || e.TopicID == "" || e.Topic != n.topic || e.Source != "nanjing" || e.Cluster == "" {
				t.Errorf("%+v", e)
			}
			// The city as a witness of its own says the same.
			look, err := (&proof.Search{Left: n.books.Witness(n.city(config.ReadCommitted)), Right: n.books.Journaled(), Mask: Read}).Look(n.ctx, n.window())
			if err != nil || !proof.Equal(look.Left, look.Right) && c.want == nil || look.Left != a.City && c.want == nil {
				t.Errorf("%+v, %v", look, err)
			}
		})
	}
}

// TestUncommitted: where a source is read uncommitted, rows that were aborted are rows, and gaps
// where it was read committed before.
func TestUncommitted(t *testing.T) {
	for _, before := range []bool{false, true} {
		n := newTown(t, nil)
		n.usualRows()
		n.journal(!before, nil)
		if a := n.again(config.ReadUncommitted); a.State != domain.WindowVerified || len(a.Findings) > 0 || !proof.Equal(a.City, a.Journal) {
			t.Errorf("read committed before: %v: %s, %+v", before, a.State, a.Findings)
		}
	}
}

// TestUncommittedGap: a committed row that the journal calls aborted is lost, however the source
// is read.
func TestUncommittedGap(t *testing.T) {
	n := newTown(t, nil)
	n.usualRows()
	n.journal(false, func(rows []sent, r *domain.Run) []sent {
		r.Gaps = slices.Insert(r.Gaps, 0, domain.Gap{Span: domain.Span{First: 8, Next: 9}, Reason: domain.ReasonAborted})
		return slices.DeleteFunc(rows, func(r sent) bool { return r.delta == 8 })
	})
	if a := n.again(config.ReadUncommitted); !slices.Equal(a.found(), []string{"lost 8"}) {
		t.Errorf("%+v", a.Findings)
	}
}

// TestBlocked: an open transaction holds back what can be compared; uncommitted, nothing is held
// back.
func TestBlocked(t *testing.T) {
	n := newTown(t, nil)
	n.produce(n.cl, 4)
	open := n.client(kgo.TransactionalID(fmt.Sprintf("t%d", time.Now().UnixNano())))
	must(t, open.BeginTransaction())
	n.produce(open, 2)
	n.produce(n.cl, 3)
	n.journal(true, nil)
	if a := n.again(config.ReadCommitted); a.State != domain.WindowBlocked || len(a.Findings) > 0 || a.City.Rows != 4 || a.Compared.Next != 4 || a.Evidence.LastStable != 4 {
		t.Errorf("%+v", a)
	}
	if a := n.again(config.ReadUncommitted); a.State != domain.WindowVerified || a.City.Rows != 9 || !proof.Equal(a.City, a.Journal) {
		t.Errorf("%+v", a)
	}
	must(t, open.EndTransaction(n.ctx, kgo.TryAbort))
}

// TestRetention: what the city has let go of is unverifiable, and never lost.
func TestRetention(t *testing.T) {
	n := newTown(t, nil)
	n.usualRows()
	n.journal(false, nil)
	behead := func(to int64) {
		var o kadm.Offsets
		o.Add(kadm.Offset{Topic: n.topic, At: to, LeaderEpoch: -1})
		r, err := kadm.NewClient(n.cl).DeleteRecords(n.ctx, o)
		must(t, err)
		must(t, r.Error())
	}
	behead(5)
	if a := n.again(config.ReadCommitted); a.State != domain.WindowUnverifiable || len(a.Findings) > 0 || a.City.Rows != 7 || a.Compared.First != 5 || !proof.Equal(a.City, a.Journal) {
		t.Errorf("%+v", a)
	}
	behead(17)
	if a := n.again(config.ReadCommitted); a.State != domain.WindowUnverifiable || len(a.Findings) > 0 || a.City.Rows != 0 || a.Compared.Len() != 0 {
		t.Errorf("%+v", a)
	}
}

// TestCompacted: a topic that compacts may throw rows away; those that it has are compared.
func TestCompacted(t *testing.T) {
	n := newTown(t, map[string]*string{"cleanup.policy": kadm.StringPtr("compact")})
	n.produce(n.cl, 3)
	n.journal(false, func(rows []sent, r *domain.Run) []sent {
		r.Next += 2
		return append(rows, sent{delta: 3, value: []byte("gone")}, sent{delta: 4, value: []byte("gone")})
	})
	if a := n.again(config.ReadCommitted); a.State != domain.WindowUnverifiable || a.Gone != 2 || len(a.Findings) > 0 || !proof.Equal(a.City, a.Journal) || a.City.Rows != 3 {
		t.Errorf("%+v", a)
	}
}

// TestRecreated: a topic that was made anew says nothing of what was read before.
func TestRecreated(t *testing.T) {
	n := newTown(t, nil)
	n.produce(n.cl, 3)
	n.journal(false, nil)
	_, err := kadm.NewClient(n.cl).DeleteTopic(n.ctx, n.topic)
	must(t, err)
	for { // a real broker deletes it later
		if _, err = kadm.NewClient(n.cl).CreateTopic(n.ctx, 1, 1, nil, n.topic); err == nil || n.ctx.Err() != nil {
			break
		}
	}
	must(t, err)
	a, err := n.books.ReadAgain(n.ctx, n.city(config.ReadCommitted), n.window())
	for err != nil && n.ctx.Err() == nil { // its leader is told a moment later
		a, err = n.books.ReadAgain(n.ctx, n.city(config.ReadCommitted), n.window())
	}
	must(t, err)
	if a.State != domain.WindowUnverifiable || !strings.Contains(a.Why, "made anew") || len(a.Findings) > 0 {
		t.Errorf("%+v", a)
	}
}

// TestNotInTheFile: a city that the file does not name any more is unverifiable.
func TestNotInTheFile(t *testing.T) {
	n := newTown(t, nil)
	n.produce(n.cl, 3)
	n.journal(false, nil)
	wuxi := n.books.o.Cities(&config.Pipeline{})[1]
	a, err := n.books.ReadAgain(n.ctx, wuxi, n.window())
	if err != nil || a.State != domain.WindowUnverifiable || a.Why == "" || wuxi.Source != "wuxi" {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestUnreachable: a city that does not answer is an error, not a verdict.
func TestUnreachable(t *testing.T) {
	n := newTown(t, nil)
	n.produce(n.cl, 3)
	n.journal(false, nil)
	ctx, cancel := context.WithTimeout(n.ctx, 300*time.Millisecond)
	defer cancel()
	n.kafka.Brokers = []string{"127.0.0.1:1"}
	if a, err := n.books.ReadAgain(ctx, n.city(config.ReadCommitted), n.window()); err == nil || !strings.Contains(err.Error(), "320100") {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestLeaderMoves: a broker that does not lead the partition any more is asked again, for a
// while; then the city cannot be read.
func TestLeaderMoves(t *testing.T) {
	n := newTown(t, nil)
	if n.fake == nil {
		t.Skip("a real broker does not refuse when it is told to")
	}
	n.usualRows()
	n.journal(false, nil)
	var refuse atomic.Int64
	n.fake.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		n.fake.KeepControl()
		if refuse.Add(-1) < 0 {
			return nil, nil, false
		}
		in := req.(*kmsg.FetchRequest)
		resp := in.ResponseKind().(*kmsg.FetchResponse)
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic, topic.TopicID = in.Topics[0].Topic, in.Topics[0].TopicID
		part := kmsg.NewFetchResponseTopicPartition()
		part.ErrorCode = kerr.NotLeaderForPartition.Code
		topic.Partitions = append(topic.Partitions, part)
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	refuse.Store(2)
	if a := n.again(config.ReadCommitted); a.State != domain.WindowVerified || a.City.Rows != 12 || refuse.Load() >= 0 {
		t.Errorf("%+v, %d refusals left", a, refuse.Load())
	}
	refuse.Store(1000)
	if a, err := n.books.ReadAgain(n.ctx, n.city(config.ReadCommitted), n.window()); !errors.Is(err, kerr.NotLeaderForPartition) {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestCut: a part of a window that lies behind the end of the city's log, which was cut.
func TestCut(t *testing.T) {
	n := newTown(t, nil)
	n.usualRows()
	n.journal(false, func(rows []sent, r *domain.Run) []sent {
		r.Next = 21
		return append(rows, sent{delta: 20, value: []byte("x")})
	})
	in := n.window()
	in.First = 18
	a, err := n.books.ReadAgain(n.ctx, n.city(config.ReadCommitted), in)
	must(t, err)
	if diff := cmp.Diff([]string{"strayed 20"}, a.found()); diff != "" {
		t.Error(diff)
	}
}
