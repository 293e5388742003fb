package replay

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/pipeline"
)

// Ask is the body of POST /v1/replays.
type Ask struct {
	Pipeline string            `json:"pipeline"`
	Scope    domain.PlanScope  `json:"scope"`
	Target   domain.PlanTarget `json:"target"`
	Limits   domain.PlanLimits `json:"limits,omitempty" doc:"to begin with; those of hefu.yaml where all are 0"`
	Report   []byte            `json:"report,omitempty" doc:"base64 of a signed report, whose findings it is about"`
	Who      string            `json:"who" doc:"the person who plans" minLength:"1" maxLength:"200"`
	Why      string            `json:"why" doc:"the reason; it stays in the journal" minLength:"1" maxLength:"2000"`
}

// Line is one line of the answer of POST /v1/replays: a step, and at last the plan or an error.
type Line struct {
	Step   string `json:"step,omitempty"`
	Replay *Shown `json:"replay,omitempty"`
	Error  string `json:"error,omitempty"`
	// Refused says that the error is a decision, and not that something could not be found out.
	Refused bool `json:"refused,omitempty"`
}

// What the API takes. A report of a terabyte of rows has some 20 MiB, and base64 makes a third more
// of it; it may come over a slow line.
const (
	maxAsk      = 64 << 20
	askWithin   = time.Minute
	maxDecision = 64 << 10
)

type body[T any] struct{ Body T }

// Routes implements lifecycle.Routes.
func (s *Service) Routes(api huma.API) {
	s.swapRoutes(api)
	huma.Register(api, huma.Operation{
		OperationID: "plan", Method: http.MethodPost, Path: "/v1/replays", MaxBodyBytes: maxAsk, BodyReadTimeout: askWithin,
		Summary: "Plan a replay, which is a dry run: a JSON object a line, each step, and at last the plan",
	}, s.asked)
	huma.Register(api, huma.Operation{
		OperationID: "replays", Method: http.MethodGet, Path: "/v1/replays",
		Summary: "Replays, in the order in which they were planned, without the lists of their rows and keys",
	}, func(context.Context, *struct{}) (*body[[]Shown], error) { return &body[[]Shown]{s.all()}, nil })
	huma.Register(api, huma.Operation{
		OperationID: "replay", Method: http.MethodGet, Path: "/v1/replays/{id}", Summary: "One replay",
	}, func(_ context.Context, in *struct {
		ID string `path:"id"`
	},
	) (*body[Shown], error) {
		_, r, err := s.find(in.ID)
		if err != nil {
			return nil, err
		}
		return &body[Shown]{*r}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "decide", Method: http.MethodPost, Path: "/v1/replays/{id}/{action}", MaxBodyBytes: maxDecision,
		Summary: "Approve, pause, resume or cancel a replay, or change its limits",
	}, func(ctx context.Context, in *struct {
		ID     string `path:"id"`
		Action string `path:"action" enum:"approve,pause,resume,cancel,limits"`
		Body   Decision
	},
	) (*body[Shown], error) {
		return s.decided(ctx, in.ID, Action(in.Action), &in.Body)
	})
}

// all are the replays of every pipeline.
func (s *Service) all() []Shown {
	out := []Shown{}
	opened, _ := s.set.Opened()
	for _, o := range opened {
		var list []domain.Replay
		o.Control.State(func(c *domain.ControlState) {
			for _, id := range c.Planned {
				list = append(list, *c.Replays[id])
			}
		})
		for i := range list {
			one := s.shown(o.Config.Name, &list[i])
			one.short()
			out = append(out, one)
		}
	}
	return out
}

// find is a replay and its pipeline.
func (s *Service) find(text string) (*pipeline.Open, *Shown, error) {
	id, err := domain.ParsePlanID(text)
	if err != nil {
		return nil, nil, huma.Error422UnprocessableEntity(err.Error())
	}
	opened, _ := s.set.Opened()
	for _, o := range opened {
		var found *domain.Replay
		o.Control.State(func(c *domain.ControlState) {
			if r := c.Replays[id]; r != nil {
				now := *r
				found = &now
			}
		})
		if found != nil {
			out := s.shown(o.Config.Name, found)
			return o, &out, nil
		}
	}
	return nil, nil, huma.Error404NotFound("no replay " + text + " in any pipeline here; hefu replay ls lists them")
}

func (s *Service) decided(ctx context.Context, id string, action Action, d *Decision) (*body[Shown], error) {
	o, r, err := s.find(id)
	if err != nil {
		return nil, err
	}
	err = decide(ctx, o, r.ID, action, d)
	var refused *refusedError
	switch {
	case errors.As(err, &refused):
		return nil, huma.Error422UnprocessableEntity(refused.why)
	case err != nil:
		return nil, huma.Error503ServiceUnavailable(err.Error())
	}
	if action == Cancel {
		s.discardIdle(ctx, o, r.ID)
	}
	_, now, err := s.find(id)
	if err != nil {
		return nil, err
	}
	return &body[Shown]{*now}, nil
}

// asked plans.
func (s *Service) asked(ctx context.Context, in *body[Ask]) (*huma.StreamResponse, error) {
	opened, ok := s.set.Opened()
	if !ok {
		return nil, huma.Error503ServiceUnavailable("the journal is not open yet")
	}
	i := slices.IndexFunc(opened, func(o *pipeline.Open) bool { return o.Config.Name == in.Body.Pipeline })
	if i < 0 {
		return nil, huma.Error404NotFound("no pipeline " + in.Body.Pipeline + " here")
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		c.SetHeader("Content-Type", "application/x-ndjson")
		out := json.NewEncoder(c.BodyWriter())
		line := func(l Line) {
			_ = out.Encode(l) // whoever does not listen any more is told nothing
			if f, is := c.BodyWriter().(http.Flusher); is {
				f.Flush()
			}
		}
		if !s.answers() {
			line(Line{Error: "the process ends"})
			return
		}
		defer s.asks.Done()
		r, err := s.plan(ctx, opened[i], &in.Body, func(step string) { line(Line{Step: step}) })
		if err != nil {
			line(Line{Error: err.Error(), Refused: isRefused(err)})
			return
		}
		shown := s.shown(opened[i].Config.Name, r)
		line(Line{Replay: &shown})
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
