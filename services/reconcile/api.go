package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/report"
)

// Ask is the body of POST /v1/reconcile.
type Ask struct {
	Pipeline string     `json:"pipeline" doc:"its name"`
	Sources  []string   `json:"sources,omitempty" doc:"all without any"`
	From     *time.Time `json:"from,omitempty" doc:"by extract_time; from the beginning without it"`
	To       *time.Time `json:"to,omitempty" doc:"by extract_time; to the end without it"`
	Deep     bool       `json:"deep,omitempty" doc:"read every row of the cities again"`
	Sample   *int       `json:"sample,omitempty" doc:"per cent of the cities' windows that are read again, without deep"`
	Keep     bool       `json:"keep,omitempty" doc:"keep the report in the data directory"`
}

// Line is one line of the answer of POST /v1/reconcile: a step, and at last the report's file
// or an error.
type Line struct {
	Step  string `json:"step,omitempty"`
	File  []byte `json:"file,omitempty"` // base64 of the signed report
	Name  string `json:"name,omitempty"` // under which it is kept
	Error string `json:"error,omitempty"`
}

// FindingReport is one finding of GET /v1/findings.
type FindingReport struct {
	Pipeline string         `json:"pipeline"`
	Finding  report.Finding `json:"finding"`
}

type body[T any] struct{ Body T }

// Routes implements lifecycle.Routes.
func (s *Service) Routes(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "reconcile", Method: http.MethodPost, Path: "/v1/reconcile",
		Summary: "Compare cities, hub and table now: a JSON object a line, each step, and at last the signed report",
	}, s.asked)
	huma.Register(api, huma.Operation{
		OperationID: "proof", Method: http.MethodGet, Path: "/v1/proof", Summary: "What the looks of the reconciler came to",
	}, func(context.Context, *struct{}) (*body[[]State], error) { return &body[[]State]{s.States()}, nil })
	huma.Register(api, huma.Operation{
		OperationID: "findings", Method: http.MethodGet, Path: "/v1/findings", Summary: "Findings, accepted ones too",
	}, func(context.Context, *struct{}) (*body[[]FindingReport], error) {
		opened, err := s.pipelines()
		if err != nil {
			return nil, err
		}
		return &body[[]FindingReport]{findings(opened)}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "accept", Method: http.MethodPost, Path: "/v1/findings/accept", Summary: "Take findings as they are; they stay in every report",
	}, func(ctx context.Context, in *body[Acceptance]) (*body[[]FindingReport], error) {
		opened, err := s.pipelines()
		if err != nil {
			return nil, err
		}
		list, err := acceptAll(ctx, opened, &in.Body)
		return &body[[]FindingReport]{list}, err
	})
}

// pipelines are those of the process. While they are not open nobody knows what was found: that is no empty list.
func (s *Service) pipelines() ([]*pipeline.Open, error) {
	opened, ok := s.set.Opened()
	if !ok {
		return nil, huma.Error503ServiceUnavailable("the journal is not open yet")
	}
	return opened, nil
}

// asked looks at a scope with a Prover of its own.
func (s *Service) asked(ctx context.Context, in *body[Ask]) (*huma.StreamResponse, error) {
	opened, err := s.pipelines()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(opened, func(o *pipeline.Open) bool { return o.Config.Name == in.Body.Pipeline })
	if i < 0 {
		return nil, huma.Error404NotFound(fmt.Sprintf("no pipeline %q here", in.Body.Pipeline))
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		c.SetHeader("Content-Type", "application/x-ndjson")
		out := json.NewEncoder(c.BodyWriter())
		flush := func() {}
		if f, is := c.BodyWriter().(http.Flusher); is {
			flush = f.Flush
		}
		line := func(l Line) {
			_ = out.Encode(l) // whoever does not listen any more is told nothing
			flush()
		}
		if !s.answers() {
			line(Line{Error: "the process ends"})
			return
		}
		defer s.asks.Done()
		l, err := s.prove(ctx, opened[i], &in.Body, func(step string) { line(Line{Step: step}) })
		if err != nil {
			l = Line{Error: err.Error()}
		}
		line(l)
	}}, nil
}

// answers takes note that somebody is being answered, unless it is too late for that.
func (s *Service) answers() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.asks.Add(1)
	}
	return !s.ended
}

// prove makes the report that was asked for.
func (s *Service) prove(ctx context.Context, o *pipeline.Open, a *Ask, say func(string)) (Line, error) {
	file := o.File()
	p := New(&file, o.Journal, a.Scope(file.Reconcile.CitySample), say)
	defer p.Close()
	by := s.maker()
	_, signed, err := Prove(ctx, p, s.signing, by)
	if err != nil || !a.Keep {
		return Line{File: signed}, err
	}
	e, err := by.Kept.Save(signed)
	return Line{File: signed, Name: e.Name}, err
}

// Scope is what was asked for; sample is what is read again where nothing is said.
func (a *Ask) Scope(sample int) Scope {
	out := Scope{From: a.From, To: a.To, Deep: a.Deep, Sample: sample}
	if a.Sample != nil {
		out.Sample = *a.Sample
	}
	for _, id := range a.Sources {
		out.Sources = append(out.Sources, domain.SourceID(id))
	}
	return out
}

// findings are all that the control streams have.
func findings(opened []*pipeline.Open) []FindingReport {
	out := []FindingReport{}
	for _, o := range opened {
		o.Control.State(func(c *domain.ControlState) {
			list := make([]domain.Finding, 0, len(c.Findings))
			for _, f := range c.Findings {
				list = append(list, *f)
			}
			inOrder(list)
			for i := range list {
				out = append(out, FindingReport{o.Config.Name, report.FindingOf(&list[i], acceptedBy(c, list[i].ID()))})
			}
		})
	}
	return out
}

func acceptedBy(c *domain.ControlState, id domain.FindingID) *report.Accepted {
	if a := c.Accepted[id]; a != nil {
		return &report.Accepted{Who: a.Who, Why: a.Why}
	}
	return nil
}
