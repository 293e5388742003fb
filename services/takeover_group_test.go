package services_test

import (
	"regexp"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
)

// TestTakeoverOfGroupsThatLag: the job before carried more than it told its groups, as Flink does when it is stopped. What
// the table has is not carried twice for that: the source waits, says which offsets are right, and with them all is there
// once.
func TestTakeoverOfGroupsThatLag(t *testing.T) {
	w := newTakeover(t)
	w.tell(flinkHub, "ODS", map[int32]int64{0: 0, 1: 0, 2: 0})
	w.cfg.Pipelines = []config.Pipeline{w.backlog}
	w.start()
	said := w.offsetsSaid()
	w.end()
	w.backlog.ReadHub.Reading = beginning(w.backlog.ReadHub.Reading, said)
	w.cfg.Pipelines = []config.Pipeline{w.backlog}
	w.start()
	if err := w.ends(); err != nil {
		t.Fatalf("the backlog ended with %v\n%s", err, w.log.String())
	}
	if got := w.compare(w.backlog); got.Verdict != domain.Verified || sum(got, "").InDoris != int64(w.left) {
		t.Errorf("backlog of %d: %s: %s: %+v", w.left, got.Verdict, got.Why, got.Sources)
	}

	w.tell(flinkCities, "north", map[int32]int64{0: 3, 1: 20})
	w.cfg.Pipelines = []config.Pipeline{w.bridge, w.backlog}
	w.start()
	said = w.offsetsSaid()
	w.end()
	north := &w.cfg.Pipelines[0].Sources[0]
	north.Reading = beginning(north.Reading, said)
	w.start()
	before := w.loaded + w.left
	w.untilRows(before + 20 + 10)
	w.end()
	if got := w.compare(w.cfg.Pipelines[0]); got.Verdict != domain.Verified || sum(got, "north").InDoris != 20 {
		t.Errorf("bridge: %s: %s: %+v, %+v", got.Verdict, got.Why, got.Sources, got.Findings)
	}
}

// tell sets a group back.
func (w *takeover) tell(group, topic string, next map[int32]int64) {
	w.t.Helper()
	cl := w.client()
	defer cl.Close()
	must(w.t, kafkaconn.CommitGroup(w.t.Context(), cl, group, topic, next))
}

// offsetsSaid waits for the source that begins at rows that the table has, and returns what it says to set.
func (w *takeover) offsetsSaid() string {
	w.t.Helper()
	in := w.incident(string(domain.IncidentSourceTaken))
	said := regexp.MustCompile(`start_offsets: (partition:[^ ]*), and restart`).FindStringSubmatch(text(in))
	if said == nil {
		w.t.Fatalf("it does not say where to begin: %+v", in)
	}
	return said[1]
}

// beginning is a reading that begins at these offsets.
func beginning(r config.Reading, offsets string) config.Reading {
	r.Start, r.StartOffsets, r.OnMissingCursor = string(domain.StartSpecificOffsets), offsets, ""
	return r
}
