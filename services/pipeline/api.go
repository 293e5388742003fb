package pipeline

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// AskVerify is the body of POST /v1/journal/verify.
type AskVerify struct {
	Pipeline string `json:"pipeline,omitempty" doc:"empty: all"`
	Deep     bool   `json:"deep,omitempty" doc:"record batches, archive and every signed root, too"`
}

// Routes implements lifecycle.Routes.
func (s *Set) Routes(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "verify-journal", Method: http.MethodPost, Path: "/v1/journal/verify",
		Summary: "Read the journal whole and say whether it is what it was; the answer takes as long as that",
	}, func(ctx context.Context, in *struct{ Body AskVerify }) (*struct{ Body []*Verification }, error) {
		out, err := s.verify(ctx, in.Body)
		return &struct{ Body []*Verification }{out}, err
	})
}

func (s *Set) verify(ctx context.Context, a AskVerify) ([]*Verification, error) {
	opened, there := s.Opened()
	if !there {
		return nil, huma.Error503ServiceUnavailable("the journal is not open yet")
	}
	out := []*Verification{}
	for _, o := range opened {
		if a.Pipeline != "" && a.Pipeline != o.Config.Name {
			continue
		}
		v, err := Verify(ctx, s.c, o.Journal, a.Deep, nil)
		if err != nil {
			return nil, huma.Error503ServiceUnavailable(err.Error())
		}
		out = append(out, v)
	}
	if len(out) == 0 {
		return nil, huma.Error404NotFound("no pipeline " + a.Pipeline)
	}
	return out, nil
}
