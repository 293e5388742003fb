package ingest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/hefu-io/hefu/domain"
)

func TestJournalRegressed(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c)
	topic := newTopic(ctx, t, cl, 1, nil)
	produce(ctx, t, cl, topic, 0, 10)
	r := newRig(ctx, t)
	conf := config(source(c, topic))
	p := r.start(conf)
	r.reaches(p, 0, cl, topic)
	_ = p.stop()
	all := r.events()
	tail := all[len(all)-1].Ref()
	record := func(change func(*domain.ProgressRecord)) func(context.Context) (*domain.ProgressRecord, error) {
		rec := &domain.ProgressRecord{Journal: r.j.ID(), Cursor: tail}
		change(rec)
		return func(context.Context) (*domain.ProgressRecord, error) { return rec, nil }
	}

	conf.Guard = record(func(*domain.ProgressRecord) {})
	produce(ctx, t, cl, topic, 0, 10)
	p = r.start(conf)
	r.reaches(p, 0, cl, topic)
	_ = p.stop()

	for name, change := range map[string]func(*domain.ProgressRecord){
		"beyond the tail":                  func(rec *domain.ProgressRecord) { rec.Cursor.Seq += 1000 },
		"another event stands":             func(rec *domain.ProgressRecord) { rec.Cursor.Hash[0]++ },
		"was written by another journal":   func(rec *domain.ProgressRecord) { rec.Journal[0]++ },
		"another event stands (seq moved)": func(rec *domain.ProgressRecord) { rec.Cursor.Seq-- },
	} {
		t.Run(name, func(t *testing.T) {
			before := len(r.events())
			conf.Guard = record(change)
			p := r.start(conf)
			in := r.incident(p, domain.IncidentJournalRegressed)
			wantFacts(t, in, "this journal: "+r.j.ID().String())
			if len(in.Choices) != 1 || in.Source != "" {
				t.Errorf("%+v", in)
			}
			_ = p.stop()
			if after := len(r.events()); after != before {
				t.Errorf("%d events were appended", after-before)
			}
			r.resolve(in, domain.ChoiceRetry)
		})
	}

	asked := 0
	conf.Guard = func(context.Context) (*domain.ProgressRecord, error) {
		if asked++; asked < 3 {
			return nil, errors.New("hub is away")
		}
		return nil, nil
	}
	produce(ctx, t, cl, topic, 0, 10)
	p = r.start(conf)
	r.reaches(p, 0, cl, topic)
	_ = p.stop()
	if asked != 3 {
		t.Errorf("asked %d times", asked)
	}
}
