package explain

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/pipeline"
)

// Service answers for the pipelines of a running process, which holds their store.
type Service struct{ set *pipeline.Set }

// New makes the Service.
func New(set *pipeline.Set) *Service { return &Service{set: set} }

// Report is the body of GET /v1/explain.
type Report struct {
	Answer *Answer  `json:"answer"`
	Notes  []string `json:"notes" doc:"what the answer had to do without; no part of it"`
}

// query is a Question as the API takes it.
type query struct {
	Pipeline   string `query:"pipeline" doc:"needed where several have it"`
	City       string `query:"city" doc:"of a row, with partition and offset"`
	Source     string `query:"source" doc:"in place of city"`
	Partition  int32  `query:"partition" default:"-1"`
	Offset     int64  `query:"offset" default:"-1"`
	Generation int    `query:"generation" doc:"of the source partition; the newest that has the offset without one"`
	Hub        string `query:"hub" doc:"partition:offset of the hub topic"`
	Label      string `query:"label" doc:"of a Doris load"`
	Txn        int64  `query:"txn" doc:"transaction id of Doris"`
	Event      string `query:"event" doc:"stream@seq of a hub transaction or a load"`
	Record     bool   `query:"record" doc:"give the record's text too"`
}

func (q *query) question() *Question {
	return &Question{
		Pipeline: q.Pipeline, City: q.City, Source: q.Source, Partition: q.Partition, Offset: q.Offset, Generation: q.Generation,
		Hub: q.Hub, Label: q.Label, Txn: q.Txn, Event: q.Event, Record: q.Record,
	}
}

// Routes implements lifecycle.Routes.
func (s *Service) Routes(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "explain", Method: http.MethodGet, Path: "/v1/explain", Summary: "The whole life of a row, or what a transaction or load carried, from the journal",
	}, func(ctx context.Context, in *query) (*struct{ Body Report }, error) {
		r, err := s.explain(ctx, in.question())
		if err != nil {
			return nil, err
		}
		return &struct{ Body Report }{*r}, nil
	})
}

func (s *Service) explain(ctx context.Context, q *Question) (*Report, error) {
	opened, ok := s.set.Opened()
	if !ok {
		return nil, huma.Error503ServiceUnavailable("the journal is not open yet")
	}
	var pipelines []Pipeline
	for _, o := range opened {
		pipelines = append(pipelines, Pipeline{Journal: o.Journal, Index: IndexOf(&o.Config)})
	}
	answer, notes, err := Explain(ctx, pipelines, q)
	var bad *AskError
	var broken *journal.IntegrityError
	switch {
	case errors.As(err, &bad):
		return nil, huma.Error422UnprocessableEntity(err.Error())
	case errors.As(err, &broken):
		return nil, huma.Error500InternalServerError(err.Error())
	case err != nil:
		return nil, huma.Error503ServiceUnavailable(err.Error())
	}
	if notes == nil {
		notes = []string{}
	}
	return &Report{Answer: answer, Notes: notes}, nil
}
