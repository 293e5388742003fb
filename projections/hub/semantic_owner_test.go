package hub_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/hub"
)

// asleep starts a process of a semantic that stands still before the end of its batch.
// What is returned wakes it and waits until it has found out that it was replaced.
func (w *world) asleep(s domain.Semantic) (at domain.Ref, wakes func()) {
	w.t.Helper()
	w.cfg.Semantic = s
	arrived, wake := make(chan struct{}), make(chan struct{})
	f := &faults{ending: func() { close(arrived); <-wake }}
	h := w.process()
	h.WrapSender(f.wrap)
	leg := open(w, h)
	done := make(chan error, 1)
	at = w.feed(3, place{"nanjing", 0}, place{"wuxi", 2})
	go func() { done <- leg.Run(w.ctx) }()
	<-arrived
	return at, func() {
		close(wake)
		if err := <-done; err == nil {
			w.t.Error("the replaced process ended well")
		}
		leg.Close()
		var fenced *journal.FencedError
		if _, err := h.Open(w.ctx); !errors.As(err, &fenced) {
			w.t.Errorf("the replaced process opened again: %v", err)
		}
	}
}

// TestTransactionOfAReplacedOwner: a process with a transaction open is replaced by one
// of a weaker semantic, which fences it all the same: nothing is doubled.
func TestTransactionOfAReplacedOwner(t *testing.T) {
	w := newWorld(t)
	w.commits()
	at, wakes := w.asleep(domain.ExactlyOnce)
	w.cfg.Semantic = domain.AtLeastOnce
	leg := open(w, w.process())
	wakes()
	w.moved(leg, at)
	w.tally()
}

// TestRecordOfAReplacedOwner: a process without a fence writes its record when its
// successor has long gone on. The record neither stops anybody nor settles anything.
func TestRecordOfAReplacedOwner(t *testing.T) {
	for _, first := range []domain.Semantic{domain.AtLeastOnce, domain.None} {
		for _, second := range []domain.Semantic{domain.AtLeastOnce, domain.ExactlyOnce} {
			t.Run(string(first)+" then "+string(second), func(t *testing.T) {
				w := newWorld(t)
				_, wakes := w.asleep(first)
				w.cfg.Semantic = second
				w.moved(open(w, w.process()), w.feed(2, place{"nanjing", 0}))
				w.crashes(journal.FaultBefore)
				wakes()
				leg := open(w, w.process())
				if got := w.kinds(); got[len(got)-1] != aborted {
					t.Errorf("settled as %s", got[len(got)-1])
				}
				w.moved(leg, w.feed(1, place{"wuxi", 2}))
				open(w, w.process()).Close()
				w.looseTally()
			})
		}
	}
}

// TestJournalSetBack: the weaker semantics leave a record too, which tells that a journal
// is older than its hub.
func TestJournalSetBack(t *testing.T) {
	for _, s := range []domain.Semantic{domain.None, domain.AtLeastOnce} {
		w := newWorldWith(t, s)
		w.commits()
		w.commits()
		w.rolledBack(4)
		_, err := try(w, w.process())
		w.mustBeIncident(err, domain.IncidentHubAhead, "does not hold")
	}
}

// TestTransactionTimeout: what the brokers do not allow is refused with the number to
// change, at the first start only.
func TestTransactionTimeout(t *testing.T) {
	if realKafka() != "" {
		t.Skip("the broker has its own limit")
	}
	like := kfake.BrokerConfigs(map[string]string{"transaction.max.timeout.ms": "5000"})
	w := newWorld(t, like)
	_, err := w.process().Open(w.ctx)
	var refused *projections.Refusal
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "transaction_timeout is 15s, more than the brokers' transaction.max.timeout.ms, 5000 (5s): set transaction_timeout to at most 5s, or transaction.max.timeout.ms to at least 15000") {
		t.Errorf("first start: %v", err)
	}
	for _, s := range []domain.Semantic{domain.None, domain.AtLeastOnce} {
		w := newWorldWith(t, s, like)
		w.commits() // without a transaction there is nothing to time out
		w.looseTally()
	}

	// One that was open goes on trying, and says the same.
	w = newWorld(t)
	h := w.process()
	open(w, h).Close()
	refuse := w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, TopLevel: true, Err: kerr.InvalidTransactionTimeout, Count: -1})
	_, err = h.Open(w.ctx)
	if errors.As(err, &refused) || !errors.Is(err, kerr.InvalidTransactionTimeout) || !strings.Contains(err.Error(), "900000 (15m0s)") {
		t.Errorf("later: %v", err)
	}
	refuse.Remove()
	w.moved(open(w, h), w.mixed())
	w.tally()
}

// TestTells: what is promised, and by which facts of the brokers, is said once.
func TestTells(t *testing.T) {
	if realKafka() != "" {
		t.Skip("the broker has its own version")
	}
	const old = "no request is sent twice"
	for _, c := range []struct {
		semantic domain.Semantic
		version  string
		says     []string
		old      bool
	}{
		{"", "", []string{"semantic=exactly-once", domain.ExactlyOnce.HubPromise(), "transaction_version=2", "transaction_max_timeout=15m0s"}, false},
		{"", "3.9", []string{domain.ExactlyOnce.HubPromise(), "transaction_version=0"}, true},
		{domain.AtLeastOnce, "3.9", []string{"semantic=at-least-once", domain.AtLeastOnce.HubPromise()}, false},
		{domain.None, "", []string{domain.None.HubPromise()}, false},
	} {
		var like []kfake.Opt
		if c.version != "" {
			like = append(like, kfake.MaxVersions(kversion.FromString(c.version)))
		}
		w := newWorldWith(t, c.semantic, like...)
		var out bytes.Buffer
		w.log = slog.New(slog.NewTextHandler(&out, nil))
		h := w.process()
		open(w, h).Close()
		open(w, h).Close()
		if n := strings.Count(out.String(), "hub leg is open"); n != 1 {
			t.Errorf("%+v: said %d times:\n%s", c, n, out.String())
		}
		for _, text := range c.says {
			if !strings.Contains(out.String(), text) {
				t.Errorf("%+v: %q is not said:\n%s", c, text, out.String())
			}
		}
		if strings.Contains(out.String(), old) != c.old {
			t.Errorf("%+v:\n%s", c, out.String())
		}
	}
}

// TestProgressGuardBySemantic: the furthest record counts, whoever wrote it.
func TestProgressGuardBySemantic(t *testing.T) {
	w := newWorld(t)
	for _, s := range []domain.Semantic{domain.AtLeastOnce, domain.ExactlyOnce, domain.None, domain.ExactlyOnce} {
		w.cfg.Semantic = s
		at := w.feed(1, place{"nanjing", 0})
		w.moved(open(w, w.process()), at)
		p, err := hub.ProgressGuard(w.ctx, w.cfg)
		if err != nil || p == nil || p.Cursor != at {
			t.Errorf("after %s: %+v, %v; want %s", s, p, err, at)
		}
	}
}
