package replay

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// SwapLine is one line of the answer of POST /v1/replays/{id}/swap: a step, and at last what it
// came to or an error.
type SwapLine struct {
	Step    string    `json:"step,omitempty"`
	Swap    *Exchange `json:"swap,omitempty"`
	Error   string    `json:"error,omitempty"`
	Refused bool      `json:"refused,omitempty" doc:"the error is a decision: nothing is exchanged"`
}

// isRefused reports whether an error is a decision, and not that something could not be done or
// found out.
func isRefused(err error) bool {
	var no *refusedError
	return errors.As(err, &no)
}

// swapRoutes adds the exchange of tables to the API.
func (s *Service) swapRoutes(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "swap", Method: http.MethodPost, Path: "/v1/replays/{id}/swap",
		Summary: "Exchange the shadow table of a replay with the live one: a JSON object a line, each step, and at last what it came to",
	}, func(ctx context.Context, in *struct {
		ID   string `path:"id"`
		Body SwapAsk
	},
	) (*huma.StreamResponse, error) {
		o, r, err := s.find(in.ID)
		if err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			c.SetHeader("Content-Type", "application/x-ndjson")
			out := json.NewEncoder(c.BodyWriter())
			line := func(l SwapLine) {
				_ = out.Encode(l) // whoever does not listen any more is told nothing
				if f, is := c.BodyWriter().(http.Flusher); is {
					f.Flush()
				}
			}
			if !s.answers() {
				line(SwapLine{Error: "the process ends"})
				return
			}
			defer s.asks.Done()
			done, err := s.swap(ctx, o, &r.Plan, &in.Body, func(step string) { line(SwapLine{Step: step}) })
			if err != nil {
				line(SwapLine{Error: err.Error(), Refused: isRefused(err)})
				return
			}
			line(SwapLine{Swap: done})
		}}, nil
	})
}
