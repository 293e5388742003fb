package origin

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// TestEmpty: a journal in which nothing is yet has empty books and no rows, and no stream is
// waited for.
func TestEmpty(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	j, err := journal.Open(ctx, "p", journal.Options{Store: journal.NewMemory()})
	must(t, err)
	o, err := Open(ctx, j, Digits{})
	must(t, err)
	to, err := o.Tails(ctx, 0)
	must(t, err)
	b := o.NewBooks(0)
	must(t, b.Read(ctx, to))
	must(t, o.NewScan(0, Cursors{}, nil).Next(ctx, to, func(*Expected) error { return errors.New("a row") }))
	if c, _ := o.Config(); to != (Cursors{}) || len(b.Accounts()) > 0 || c.HubTopic != "" {
		t.Errorf("%+v", to)
	}
}

// TestRefresh: a configuration that came later is in force after a refresh.
func TestRefresh(t *testing.T) {
	config := usual()
	config.Sources = config.Sources[:1]
	w := newWorld(t, config)
	o := w.open()
	if mask, why := o.Unread("wuxi"); !mask.Has(proof.City) || !mask.Has(proof.Record) || why == "" {
		t.Errorf("%v %s", mask, why)
	}
	w.say(&domain.PipelineConfigured{Digest: domain.Hash{1}, Config: usual()})
	must(t, o.Refresh(w.ctx))
	if mask, why := o.Unread("wuxi"); mask != 0 || why != "" {
		t.Errorf("%v %s", mask, why)
	}
	if c, digest := o.Config(); len(c.Sources) != 2 || digest != (domain.Hash{1}) {
		t.Errorf("%+v", c)
	}
	bad := usual()
	bad.Timezone = "Mars/Olympus"
	w.say(&domain.PipelineConfigured{Config: bad})
	if err := o.Refresh(w.ctx); err == nil {
		t.Error("a zone of nowhere")
	}
}

// TestUnknownSource: rows of a source that the configuration does not have are expected all the
// same, with what can be said of them, and are a finding.
func TestUnknownSource(t *testing.T) {
	w := newWorld(t, usual())
	w.opened("gone", 1, 0, 0, 1)
	w.ingested(w.run("gone", 1, 1, 0, 2))
	w.carry()
	rows, found := w.scanned()
	if len(rows) != 2 || len(found) != 1 || found[0].Class != domain.Strayed || rows[1].Hub.Offset != 1 || !rows[0].Unread.Has(proof.City) {
		t.Errorf("%+v\n%+v", rows, found)
	}
}

// TestTampered: whoever reads a journal that was changed stops there.
func TestTampered(t *testing.T) {
	for _, leg := range []domain.Leg{domain.LegIngest, domain.LegHub} {
		w := newWorld(t, usual())
		w.opened("nanjing", 1, 0, 0, 1)
		w.ingested(w.run("nanjing", 1, 1, 0, 3))
		w.carry()
		o := w.open()
		to := w.tails(o)
		s := domain.Stream{Pipeline: "p", Leg: leg}
		e, err := w.j.Get(w.ctx, s, 3)
		must(t, err)
		parts, _ := journal.Encode(e.Journal, s, e.Seq, domain.Hash{7}, e.At, e.Event)
		var stored []byte
		for _, p := range parts {
			stored = append(stored, p...)
		}
		must(t, w.store.Rewrite(s, 3, stored))
		var integrity *journal.IntegrityError
		if err := o.NewBooks(0).Read(w.ctx, to); !errors.As(err, &integrity) {
			t.Errorf("%s: books: %v", leg, err)
		}
		if err := o.NewScan(0, Cursors{}, nil).Next(w.ctx, to, func(*Expected) error { return nil }); !errors.As(err, &integrity) {
			t.Errorf("%s: scan: %v", leg, err)
		}
	}
	w := newWorld(t, usual()) // the end is another one than was asked for
	to := w.tails(w.open())
	to.Hub.Hash[0]++
	var integrity *journal.IntegrityError
	if err := w.open().NewBooks(0).Read(w.ctx, to); !errors.As(err, &integrity) {
		t.Errorf("books: %v", err)
	}
}

// TestEachFails: an error of each ends the scan as it is; the commit is read again, whole, and
// its places are no finding then.
func TestEachFails(t *testing.T) {
	w := newWorld(t, usual())
	w.opened("nanjing", 1, 0, 0, 1)
	w.ingested(w.run("nanjing", 1, 1, 0, 3))
	w.carry()
	w.ingested(w.run("nanjing", 1, 1, 3, 3))
	w.carry()
	o := w.open()
	s := o.NewScan(0, Cursors{}, func(f domain.Finding) { t.Errorf("%+v", f) })
	stop := errors.New("stop")
	var got []int64
	fail := true
	each := func(e *Expected) error {
		if e.Offset == 4 && fail {
			return stop
		}
		got = append(got, e.Offset)
		return nil
	}
	if err := s.Next(w.ctx, w.tails(o), each); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	fail = false
	must(t, s.Next(w.ctx, w.tails(o), each))
	if diff := cmp.Diff([]int64{0, 1, 2, 3, 3, 4, 5}, got); diff != "" {
		t.Error(diff)
	}
}

// TestCities: each journaled source has the way that its entry of the file names, also where an
// entry has several topics.
func TestCities(t *testing.T) {
	configured := usual()
	configured.Sources = append(configured.Sources,
		domain.SourceConfig{ID: "suzhou/a", Group: "suzhou", City: "320500", Topic: "a"}, domain.SourceConfig{ID: "suzhou/b", Group: "suzhou", City: "320500", Topic: "b", Ended: true})
	o := newWorld(t, configured).open()
	kafka := kafkaconn.Config{Brokers: []string{"k:1"}}
	got := o.Cities(&config.Pipeline{Sources: []config.Source{
		{ID: "wuxi", Config: kafka, Reading: config.Reading{Isolation: config.ReadUncommitted, Paused: true}}, {ID: "suzhou", TopicPattern: ".", Config: kafka},
	}})
	gone := "it is not in the configuration any more, and so its city was not read"
	want := []*City{
		{Source: "nanjing", City: "320100", Topic: "nj", Unread: gone},
		{Source: "wuxi", City: "320200", Topic: "wx", Still: true, kafka: kafka, uncommitted: true},
		{Source: "suzhou/a", City: "320500", Topic: "a", kafka: kafka},
		{Source: "suzhou/b", City: "320500", Topic: "b", Still: true, kafka: kafka},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(City{})); diff != "" {
		t.Error(diff)
	}
	configured.Direct = true
	if cities := newWorld(t, configured).open().Cities(&config.Pipeline{}); len(cities) > 0 {
		t.Errorf("%d cities", len(cities))
	}
}
