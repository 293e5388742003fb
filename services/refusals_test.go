package services_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/status"
)

// What the machine may not decide is an incident that says what to do, and nothing is
// written meanwhile.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(*testing.T, *world)
		kind string
		says []string
	}{
		{"progress topic deleted", func(t *testing.T, w *world) { w.deleteTopic("progress") }, "hub-lost", []string{"progress"}},
		{"hub topic deleted", func(t *testing.T, w *world) { w.deleteTopic("ODS") }, "hub-lost", []string{"hub topic"}},
		{"city topic made anew", func(t *testing.T, w *world) { w.deleteTopic("north"); w.makeTopic("north", 2) }, "source-recreated", []string{"north"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			w.feed("north", 0, 50)
			w.untilRows(100)
			w.end()
			c.harm(t, w)
			w.start()
			in := w.incident(c.kind)
			t.Log(text(in))
			for _, want := range c.says {
				if !strings.Contains(text(in), want) {
					t.Errorf("does not say %q: %s", want, text(in))
				}
			}
			if len(in.Choices) == 0 || in.Choices[0] != "retry" {
				t.Errorf("choices %v", in.Choices)
			}
			w.end()
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func text(in status.IncidentReport) string {
	var b strings.Builder
	b.WriteString(in.Kind + " on " + in.Stream + " " + in.Source)
	for _, f := range in.Evidence {
		b.WriteString("; " + f.Key + ": " + f.Value)
	}
	b.WriteString("; choices: " + strings.Join(in.Choices, ", "))
	return b.String()
}

func (w *world) admin(do func(*kadm.Client) error) {
	w.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.kafka...))
	must(w.t, err)
	defer cl.Close()
	must(w.t, do(kadm.NewClient(cl)))
}

func (w *world) deleteTopic(topic string) {
	w.admin(func(a *kadm.Client) error { _, err := a.DeleteTopic(w.t.Context(), topic); return err })
}

func (w *world) makeTopic(topic string, partitions int32) {
	w.admin(func(a *kadm.Client) error {
		_, err := a.CreateTopic(w.t.Context(), partitions, 1, nil, topic)
		return err
	})
}

// incident waits for one of a kind.
func (w *world) incident(kind string) status.IncidentReport {
	w.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		r, _ := w.report()
		for _, p := range r.Pipelines {
			for _, in := range p.Incidents {
				if in.Kind == kind {
					return in
				}
			}
		}
		if time.Now().After(deadline) {
			text, _ := json.Marshal(r)
			w.t.Fatalf("no incident %s: %s", kind, text)
		}
		select {
		case err := <-w.done:
			w.t.Fatalf("ended: %v", err)
		default:
		}
	}
}

// A second process on one embedded store is refused, and the first one goes on.
func TestSecondProcessIsRefused(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.feed("north", 0, 10)
	w.untilRows(20)
	second := &world{t: t, kafka: w.kafka, cfg: w.cfg}
	second.start()
	err := <-second.done
	var ended *services.EndedError
	if !errors.As(err, &ended) || ended.Code != 2 {
		t.Errorf("second process ended with %v", err)
	}
	w.feed("north", 10, 10)
	w.untilRows(40)
	w.end()
}
