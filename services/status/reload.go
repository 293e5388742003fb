package status

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// ReloadRequest is the body of POST /v1/reload.
type ReloadRequest struct {
	Who string `json:"who" doc:"the person who asks" minLength:"1" maxLength:"200"`
	Why string `json:"why" doc:"the reason; it stays in the journal" minLength:"1" maxLength:"2000"`
}

// ReloadReport is what a reload did.
type ReloadReport struct {
	At        time.Time              `json:"at"`
	Who       string                 `json:"who"`
	Why       string                 `json:"why"`
	Pipelines []PipelineChangeReport `json:"pipelines"`
}

// PipelineChangeReport is what it did in one pipeline.
type PipelineChangeReport struct {
	Name    string               `json:"name"`
	Config  uint64               `json:"config" doc:"seq of the PipelineConfigured in force after it"`
	Sources []SourceChangeReport `json:"sources" doc:"that changed; no other one was touched"`
}

// SourceChangeReport is what it did with one source.
type SourceChangeReport struct {
	Source string   `json:"source"`
	Change string   `json:"change" enum:"added,back,removed,paused,resumed,changed"`
	Keys   []string `json:"keys,omitempty" doc:"of hefu.yaml that have another value"`
}

func (s *Service) registerReload(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "reload", Method: http.MethodPost, Path: "/v1/reload",
		Summary: "Read hefu.yaml again and take its sources over; a file that is refused changes nothing (422)",
	}, func(ctx context.Context, in *struct{ Body ReloadRequest }) (*output[ReloadReport], error) {
		r, err := s.set.Reload(ctx, in.Body.Who, in.Body.Why)
		var bad *config.Error
		var refused *pipeline.ConfigError
		switch {
		case errors.As(err, &bad), errors.As(err, &refused):
			return nil, huma.Error422UnprocessableEntity(err.Error())
		case err != nil:
			return nil, huma.Error503ServiceUnavailable(err.Error())
		}
		return &output[ReloadReport]{*reloadReport(r)}, nil
	})
}

func reloadReport(r *pipeline.Reloaded) *ReloadReport {
	if r == nil {
		return nil
	}
	out := &ReloadReport{At: r.At, Who: r.Who, Why: r.Why, Pipelines: []PipelineChangeReport{}}
	for _, p := range r.Pipelines {
		change := PipelineChangeReport{Name: p.Name, Config: uint64(p.Config), Sources: []SourceChangeReport{}}
		for _, c := range p.Sources {
			change.Sources = append(change.Sources, SourceChangeReport{Source: c.Source, Change: c.What, Keys: c.Keys})
		}
		out.Pipelines = append(out.Pipelines, change)
	}
	return out
}

// others are the sources that no leg shows: those that ended, and patterns without a topic
// so far. shown are those that a leg does, which may still be ending.
func (s *Service) others(o *pipeline.Open, inForce []domain.SourceConfig, shown []SourceReport) []SourceReport {
	var out []SourceReport
	add := func(source, city string, state projections.State, why string) {
		out = append(out, SourceReport{Source: source, City: city, State: string(state), Error: why, Partitions: []PartitionReport{}})
	}
	there := map[string]bool{}
	for i := range shown {
		there[shown[i].Source] = true
	}
	for _, src := range inForce {
		if src.Ended && !there[string(src.ID)] {
			add(string(src.ID), string(src.City), projections.StateEnded, "")
		}
	}
	if s.set.Role().Has(domain.LegIngest) {
		for _, p := range o.Searches() {
			add(p.Source, p.City, map[bool]projections.State{true: projections.StateRetrying, false: projections.StateRunning}[p.Failed], p.Why)
		}
	}
	return out
}
