package timeline

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/pipeline"
)

// Service tells the timelines of a running process, which holds the store.
type Service struct{ set *pipeline.Set }

// New makes the Service.
func New(set *pipeline.Set) *Service { return &Service{set: set} }

// Told is one line of the answer of GET /v1/timeline: a step, and at last the story or an error.
type Told struct {
	Step  string `json:"step,omitempty"`
	Story *Story `json:"story,omitempty"`
	Error string `json:"error,omitempty"`
}

// query is an Ask as the API takes it.
type query struct {
	Pipeline string    `query:"pipeline" required:"true"`
	From     time.Time `query:"from" required:"true"`
	To       time.Time `query:"to" required:"true" doc:"the first moment that is not told"`
	Slow     string    `query:"slow" default:"30s" doc:"what takes longer is told"`
}

// ask is what the query asks for. Errors: *AskError.
func (q *query) ask() (*Ask, error) {
	slow, err := time.ParseDuration(q.Slow)
	if err != nil {
		return nil, &AskError{"slow: " + err.Error()}
	}
	a := &Ask{From: domain.Micros(q.From.UnixMicro()), To: domain.Micros(q.To.UnixMicro()), Slow: slow}
	return a, a.Check()
}

// Routes implements lifecycle.Routes.
func (s *Service) Routes(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "timeline", Method: http.MethodGet, Path: "/v1/timeline",
		Summary: "What happened between two times, and which rows it touched: a JSON object a line, each step, and at last the story",
	}, s.asked)
}

func (s *Service) asked(ctx context.Context, q *query) (*huma.StreamResponse, error) {
	ask, err := q.ask()
	if err != nil {
		return nil, huma.Error422UnprocessableEntity(err.Error())
	}
	opened, ok := s.set.Opened()
	if !ok {
		return nil, huma.Error503ServiceUnavailable("the journal is not open yet")
	}
	i := slices.IndexFunc(opened, func(o *pipeline.Open) bool { return o.Config.Name == q.Pipeline })
	if i < 0 {
		return nil, huma.Error404NotFound("no pipeline " + q.Pipeline + " here")
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		c.SetHeader("Content-Type", "application/x-ndjson")
		out := json.NewEncoder(c.BodyWriter())
		tell := func(l Told) {
			_ = out.Encode(l) // whoever does not listen any more is told nothing
			if f, is := c.BodyWriter().(http.Flusher); is {
				f.Flush()
			}
		}
		story, err := Tell(ctx, opened[i].Journal, ask, func(step string) { tell(Told{Step: step}) })
		if err != nil {
			tell(Told{Error: err.Error()})
			return
		}
		tell(Told{Story: story})
	}}, nil
}
