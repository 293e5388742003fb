package journal_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// clusterSays is a NATS whose JetStream answers are given by the test.
func clusterSays(t *testing.T, names, list string) *journal.JetStream {
	t.Helper()
	ns, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	t.Cleanup(func() { stopServer(ns) })
	nc := dial(t, "", nats.InProcessServer(ns))
	for subject, answer := range map[string]string{"$JS.API.STREAM.NAMES": names, "$JS.API.STREAM.LIST": list} {
		if _, err := nc.Subscribe(subject, func(m *nats.Msg) { _ = m.Respond([]byte(answer)) }); err != nil {
			t.Fatal(err)
		}
	}
	store, err := journal.NewJetStream(nc, 1, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// A stream whose leader does not answer is left out of the list of details. It must
// not look as if it did not exist: that would make streams anew.
func TestSegmentsThatDoNotAnswerAreNotMissing(t *testing.T) {
	detail := func(first int) string {
		return fmt.Sprintf(`{"config":{"name":"HEFU_p_0_hub_%d","subjects":["hefu.p.0.hub.%d"]},"state":{}}`, first, first)
	}
	names := `{"total":2,"offset":0,"limit":1024,"streams":["HEFU_p_0_hub_1","HEFU_p_0_hub_9"]}`
	s := domain.Stream{Pipeline: "p", Leg: domain.LegHub}

	whole := clusterSays(t, names, `{"total":2,"limit":256,"streams":[`+detail(9)+`,`+detail(1)+`]}`)
	if list, err := whole.Segments(t.Context(), s); err != nil || len(list) != 2 || list[0].First != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	// With one missing on the first page the client asks from its number on, and gets
	// the other one twice.
	silent := clusterSays(t, names, `{"total":2,"limit":256,"streams":[`+detail(9)+`]}`)
	// As it does when a segment comes or goes between two pages.
	twice := clusterSays(t, `{"total":1,"limit":1024,"streams":["HEFU_p_0_hub_9"]}`, `{"total":2,"limit":256,"streams":[`+detail(9)+`]}`)
	if list, err := twice.Segments(t.Context(), s); err != nil || len(list) != 1 || list[0].First != 9 {
		t.Fatalf("%v, %v", list, err)
	}
	list, err := silent.Segments(t.Context(), s)
	if err == nil || !strings.Contains(err.Error(), "HEFU_p_0_hub_1: no leader answers") {
		t.Fatalf("%v, %v", list, err)
	}
}

func TestSegmentNames(t *testing.T) {
	for want, s := range map[string]domain.Stream{
		"HEFU_low-altitude_3_ingest_17": {Pipeline: "low-altitude", Shard: 3, Leg: domain.LegIngest},
		"HEFU_low-altitude_control_17":  domain.ControlStream("low-altitude"),
	} {
		if got := journal.SegmentName(s, 17); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// Pipelines whose names begin alike share nothing.
func TestPipelinesDoNotMeet(t *testing.T) {
	store, _ := openStore(t)
	ctx := t.Context()
	for _, pipeline := range []string{"p", "p-1", "p1"} {
		for _, s := range []domain.Stream{{Pipeline: pipeline, Shard: 1, Leg: domain.LegHub}, {Pipeline: pipeline, Shard: 11, Leg: domain.LegHub}, domain.ControlStream(pipeline)} {
			if err := store.Create(ctx, s, 1); err != nil {
				t.Fatal(err)
			}
			if list, err := store.Segments(ctx, s); err != nil || len(list) != 1 {
				t.Fatalf("%s: %v, %v", s, list, err)
			}
		}
	}
}

func TestNextEndsWithItsContextAlsoWhenTheStreamIsGone(t *testing.T) {
	t.Parallel() // it waits for missing heartbeats
	store, nc := openStore(t)
	ctx, s := t.Context(), shard(domain.LegHub)
	if err := store.Create(ctx, s, 1); err != nil {
		t.Fatal(err)
	}
	f, err := store.Follow(ctx, s, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(ctx, journal.SegmentName(s, 1)); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	go func() {
		_, err := f.Next(limited)
		done <- err
	}()
	select {
	case err := <-done:
		if !errors.Is(err, journal.ErrNotFound) {
			t.Fatal(err)
		}
	case <-time.After(90 * time.Second):
		t.Fatal("next outlives its context")
	}
}

// A server that restarts loses its consumers; the follower goes on where it was, and
// what waits for it can be cancelled meanwhile.
func TestFollowerOutlivesARestartOfTheServer(t *testing.T) {
	t.Parallel() // it waits for missing heartbeats
	dir := t.TempDir()
	first := startServer(t, dir)
	conns := &reserving{ns: first}
	nc := dial(t, "", nats.InProcessServer(conns), nats.ReconnectWait(20*time.Millisecond))
	store := newStore(t, nc, 1)
	j := open(t, store)
	s := shard(domain.LegHub)
	w := take(t, j, s, 5)
	appendTo(t, w, aborted(w, "before"))
	r := read(t, j, s, domain.Cursor{})
	for seq := domain.Seq(1); seq <= 3; seq++ {
		next(t, r, seq)
	}
	stopServer(first)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if e, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%v, %v", e, err)
	}
	conns.set(startServer(t, dir))
	// The writer goes on as well: its append is resolved, not failed.
	appendTo(t, w, aborted(w, "after"))
	patient, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	e, err := r.Next(patient)
	if err != nil || e.Seq != 4 || e.Event.(*domain.HubAborted).Why != "after" {
		t.Fatalf("%+v, %v", e, err)
	}
}

func TestAttestNamesTheSettingThatDrifted(t *testing.T) {
	store, nc := openStore(t)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		setting string
		change  func(*jetstream.StreamConfig)
	}{
		{"max_msgs", func(c *jetstream.StreamConfig) { c.MaxMsgs = 5 }},
		{"max_bytes", func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 20 }},
		{"max_age", func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }},
		{"max_msg_size", func(c *jetstream.StreamConfig) { c.MaxMsgSize = 100 }},
		{"max_msgs_per_subject", func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 5 }},
		{"discard", func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }},
		{"subjects", func(c *jetstream.StreamConfig) { c.Subjects = append(c.Subjects, "foreign") }},
		{"allow_direct", func(c *jetstream.StreamConfig) { c.AllowDirect = true }},
		{"no_ack", func(c *jetstream.StreamConfig) { c.NoAck = true }},
		{"subject_transform", func(c *jetstream.StreamConfig) {
			c.SubjectTransform = &jetstream.SubjectTransformConfig{Source: ">", Destination: "x.>"}
		}},
	} {
		t.Run(c.setting, func(t *testing.T) {
			s := domain.Stream{Pipeline: fmt.Sprintf("p%d", i), Leg: domain.LegHub}
			if err := store.Create(t.Context(), s, 1); err != nil {
				t.Fatal(err)
			}
			h, err := js.Stream(t.Context(), journal.SegmentName(s, 1))
			if err != nil {
				t.Fatal(err)
			}
			config := h.CachedInfo().Config
			c.change(&config)
			if _, err := js.UpdateStream(t.Context(), config); err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("stream %s: %s is ", config.Name, c.setting)
			for what, err := range map[string]error{"attest": store.Attest(t.Context(), s.Pipeline), "create": store.Create(t.Context(), s, 1)} {
				if !errors.Is(err, journal.ErrDrift) || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v, want %s…", what, err, want)
				}
			}
		})
	}
}
