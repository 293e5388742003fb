package services_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// natsTamperings are what needs a NATS server on the files, and knows what they mean.
func natsTamperings() []kind {
	return []kind{
		{"settings edited", edited(false)},
		{"settings edited and put back", edited(true)},
		{"stream deleted and made again", madeAgain},
		{"end cut, seqs used again", reused},
		{"end cut, seqs used again", reused},
		{"rewritten along the chain", rewritten()},
		{"rewritten, without checkpoints", rewritten(checkpoints)},
		{"rewritten, without checkpoints and trees", rewritten(checkpoints, "trees")},
	}
}

// nats runs a server on the files, without Hefu, and does something through it.
func (c *tampering) nats(do func(ctx context.Context, js jetstream.JetStream, store *journal.JetStream) error) {
	ctx, cancel := context.WithTimeout(c.m.Context(), 2*time.Minute)
	defer cancel()
	ns, err := server.NewServer(&server.Options{
		ServerName: "hefu-embedded", DontListen: true, NoSigs: true, NoLog: true, MaxPayload: 16 << 20,
		JetStream: true, StoreDir: filepath.Join(c.dir, "journal", "nats"), JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 1 << 50,
	})
	if c.fail(err) {
		return
	}
	ns.Start()
	defer ns.WaitForShutdown()
	defer ns.Shutdown()
	if !ns.ReadyForConnections(time.Minute) {
		c.fail(errors.New("nats is not ready"))
		return
	}
	nc, err := nats.Connect("", nats.InProcessServer(ns))
	if c.fail(err) {
		return
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if c.fail(err) {
		return
	}
	store, err := journal.NewJetStream(nc, 1, time.Minute)
	if !c.fail(err) {
		c.fail(do(ctx, js, store))
	}
}

// segment picks a stream of NATS.
func (c *tampering) segment() string { return filepath.Base(c.pick(streams + "/*")) }

// edits are settings that somebody with the connection may try. The server refuses some.
var edits = []struct {
	name string
	edit func(*jetstream.StreamConfig)
}{
	{"max_age", func(s *jetstream.StreamConfig) { s.MaxAge = 100 * time.Millisecond }},
	{"max_msgs", func(s *jetstream.StreamConfig) { s.MaxMsgs = 3 }},
	{"max_bytes", func(s *jetstream.StreamConfig) { s.MaxBytes = 1000 }},
	{"max_msgs, discard old", func(s *jetstream.StreamConfig) { s.MaxMsgs, s.Discard = 3, jetstream.DiscardOld }},
	{"max_bytes, discard old", func(s *jetstream.StreamConfig) { s.MaxBytes, s.Discard = 2000, jetstream.DiscardOld }},
	{"max_msgs_per_subject", func(s *jetstream.StreamConfig) { s.MaxMsgsPerSubject = 1 }},
	{"max_msg_size", func(s *jetstream.StreamConfig) { s.MaxMsgSize = 10 }},
	{"discard", func(s *jetstream.StreamConfig) { s.Discard = jetstream.DiscardOld }},
	{"deny_delete", func(s *jetstream.StreamConfig) { s.DenyDelete = false }},
	{"deny_purge", func(s *jetstream.StreamConfig) { s.DenyPurge = false }},
	{"allow_rollup_hdrs", func(s *jetstream.StreamConfig) { s.AllowRollup = true }},
	{"allow_direct", func(s *jetstream.StreamConfig) { s.AllowDirect = true }},
	{"allow_msg_ttl", func(s *jetstream.StreamConfig) { s.AllowMsgTTL = true }},
	{"no_ack", func(s *jetstream.StreamConfig) { s.NoAck = true }},
	{"retention", func(s *jetstream.StreamConfig) { s.Retention = jetstream.InterestPolicy }},
	{"storage", func(s *jetstream.StreamConfig) { s.Storage = jetstream.MemoryStorage }},
	{"subjects", func(s *jetstream.StreamConfig) { s.Subjects = append(s.Subjects, "elsewhere") }},
	{"sealed", func(s *jetstream.StreamConfig) { s.Sealed = true }},
}

// edited edits the settings of a stream, and puts them back once the server did what they say.
func edited(back bool) func(*tampering) {
	return func(c *tampering) {
		name, e := c.segment(), edits[c.rng.IntN(len(edits))]
		c.what = fmt.Sprintf("edit %s of %s", e.name, name)
		c.nats(func(ctx context.Context, js jetstream.JetStream, _ *journal.JetStream) error {
			s, err := js.Stream(ctx, name)
			if err != nil {
				return err
			}
			was := s.CachedInfo().Config
			is := was
			e.edit(&is)
			if _, err := js.UpdateStream(ctx, is); err != nil {
				c.what += ", which the server refuses"
				return nil //nolint:nilerr // it is as it was
			}
			if !back {
				return nil
			}
			c.what += ", and put it back"
			if e.name == "max_age" { // the server takes a moment, and keeps a sealed one
				for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline); {
					info, err := s.Info(ctx)
					if err != nil {
						return err
					}
					if info.State.Msgs == 0 {
						break
					}
				}
			}
			if _, err := js.UpdateStream(ctx, was); err != nil {
				c.what += ", which the server refuses" // it stays edited
			}
			return nil
		})
	}
}

func madeAgain(c *tampering) {
	name := c.segment()
	c.what = "delete " + name + " and make it again"
	c.nats(func(ctx context.Context, js jetstream.JetStream, _ *journal.JetStream) error {
		s, err := js.Stream(ctx, name)
		if err != nil {
			return err
		}
		was := s.CachedInfo().Config
		was.Sealed = false
		if err := js.DeleteStream(ctx, name); err != nil {
			return err
		}
		_, err = js.CreateStream(ctx, was)
		return err
	})
}

// forge is a stream, and the event from which on it is made again as somebody would who knows
// the form: the one event is another, and those after it are chained to it.
type forge struct {
	s      domain.Stream
	events []*journal.Entry
	from   int // index of the event that becomes another one
}

// forge picks one among the events from a seq on; never an end of a segment, which would be
// seen too easily.
func (c *tampering) forge(s domain.Stream, from domain.Seq) *forge {
	f := &forge{s: s, events: c.m.events[s]}
	f.from = int(from) - 1 + c.rng.IntN(len(f.events)-int(from)+1)
	for f.from > 0 {
		if _, rolled := f.events[f.from].Event.(*domain.Rolled); !rolled {
			break
		}
		f.from--
	}
	return f
}

// put stores the events from the seq first on, in segments as they were.
func (f *forge) put(ctx context.Context, store *journal.JetStream, segment, first domain.Seq) error {
	prev := f.events[first-1].Prev
	for i := int(first) - 1; i < len(f.events); i++ {
		e := f.events[i]
		ev := e.Event
		if i == f.from {
			ev = &domain.HubAborted{Why: "this never happened"}
			if f.s.Leg == domain.LegControl {
				ev = &domain.Started{Instance: "nobody"}
			}
		}
		parts, hash := journal.Encode(e.Journal, f.s, e.Seq, prev, e.At, ev)
		if err := store.Put(ctx, f.s, segment, e.Seq, parts); err != nil {
			return err
		}
		prev = hash
		if _, rolled := ev.(*domain.Rolled); rolled {
			if err := store.Create(ctx, f.s, e.Seq+1); err != nil {
				return err
			}
			if err := store.Seal(ctx, f.s, segment); err != nil {
				return err
			}
			segment = e.Seq + 1
		}
	}
	return nil
}

// segmentOf is the stream that a segment's name is of, with its first seq.
func (m *tampered) segmentOf(name string) (s domain.Stream, first domain.Seq) {
	for s = range m.events {
		prefix := strings.TrimSuffix(journal.SegmentName(s, 0), "0")
		if n, ok := strings.CutPrefix(name, prefix); ok {
			_, _ = fmt.Sscan(n, &first)
			return s, first
		}
	}
	return s, 0
}

// rewritten makes a stream again from a segment on, with one event that never was, and takes
// away what lies beside it.
func rewritten(beside ...string) func(*tampering) {
	return func(c *tampering) {
		s, first := c.m.segmentOf(c.segment())
		for int(first) > len(c.m.events[s]) { // the last one may be empty
			s, first = c.m.segmentOf(c.segment())
		}
		f := c.forge(s, first)
		if s.Leg == domain.LegControl && len(beside) > 1 { // its last event is a checkpoint, which the tree alone remembers
			f.from = min(f.from, len(f.events)-2)
		}
		c.what = fmt.Sprintf("rewrite %s from %d on", s, f.from+1)
		c.nats(func(ctx context.Context, _ jetstream.JetStream, store *journal.JetStream) error {
			list, err := store.Segments(ctx, s)
			if err != nil {
				return err
			}
			for _, g := range list {
				if g.First < first {
					continue
				}
				if err := store.Drop(ctx, s, g.First); err != nil {
					return err
				}
			}
			if err := store.Create(ctx, s, first); err != nil {
				return err
			}
			return f.put(ctx, store, first, first)
		})
		c.beside(beside...)
	}
}

// reused cuts the last segment of a stream, as a lost write would, and has a server without
// Hefu append other events at the same seqs.
func reused(c *tampering) {
	s, _ := c.m.segmentOf(c.segment())
	first := domain.Seq(0)
	c.nats(func(ctx context.Context, js jetstream.JetStream, store *journal.JetStream) error {
		list, err := store.Segments(ctx, s)
		if err != nil {
			return err
		}
		first = list[len(list)-1].First
		return nil
	})
	if c.failed != nil {
		return
	}
	block := filepath.Join(streams, journal.SegmentName(s, first), "msgs/*.blk")
	cut(block)(c)
	withoutIndex(c)
	c.nats(func(ctx context.Context, js jetstream.JetStream, store *journal.JetStream) error {
		list, err := store.Segments(ctx, s)
		if err != nil {
			return err
		}
		last := list[len(list)-1]
		next := max(last.Next, last.First)
		if int(next) > len(c.m.events[s]) {
			c.what += ", and nothing is gone"
			return nil
		}
		f := c.forge(s, next)
		c.what += fmt.Sprintf(", and append from %s@%d on, with another event at %d", s, next, f.from+1)
		return f.put(ctx, store, last.First, next)
	})
}
