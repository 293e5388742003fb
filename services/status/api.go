package status

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/pipeline"
)

// Report is GET /v1/status.
type Report struct {
	Instance  string           `json:"instance" doc:"instance of hefu.yaml"`
	Version   string           `json:"version"`
	Since     time.Time        `json:"since" doc:"when the process began"`
	Reloaded  *ReloadReport    `json:"reloaded,omitempty" doc:"the last time that hefu.yaml was read again and taken over"`
	Pipelines []PipelineReport `json:"pipelines"`
}

// PipelineReport is one pipeline.
type PipelineReport struct {
	Name        string           `json:"name"`
	Journal     string           `json:"journal" doc:"journal id"`
	Incarnation uint64           `json:"incarnation" doc:"seq of this process's Started on control"`
	Config      uint64           `json:"config" doc:"seq of the PipelineConfigured in force on control"`
	Legs        []LegReport      `json:"legs"`
	Sources     []SourceReport   `json:"sources"`
	Incidents   []IncidentReport `json:"incidents" doc:"incidents that wait for an operator"`
	Checkpoint  *Checkpoint      `json:"checkpoint,omitempty" doc:"what is signed of the journal"`
	Archive     *Archive         `json:"archive,omitempty" doc:"where sealed segments go; absent without journal.archive"`
}

// SourceReport is one city's source.
type SourceReport struct {
	Shard      int               `json:"shard"`
	Source     string            `json:"source"`
	City       string            `json:"city"`
	State      string            `json:"state" enum:"connecting,running,retrying,incident,paused,finished,ended"`
	Error      string            `json:"error,omitempty" doc:"why it is in the state"`
	Rows       int64             `json:"rows"`
	Gaps       map[string]int64  `json:"gaps" doc:"offsets without a row by reason, since the process began; unexplained ones are an alarm"`
	Partitions []PartitionReport `json:"partitions"`
}

// PartitionReport is one partition of a source.
type PartitionReport struct {
	Partition int32 `json:"partition"`
	Next      int64 `json:"next" doc:"the next offset to journal"`
	Stable    int64 `json:"last_stable" doc:"last stable offset, as the broker said it last"`
	Lag       int64 `json:"lag" doc:"offsets between the two"`
}

// IncidentReport is an incident with its evidence.
type IncidentReport struct {
	ID       string        `json:"id"`
	Pipeline string        `json:"pipeline"`
	Kind     string        `json:"kind"`
	Shard    int           `json:"shard"`
	Source   string        `json:"source,omitempty"`
	Stream   string        `json:"stream"`
	Evidence []domain.Fact `json:"evidence"`
	Choices  []string      `json:"choices"`
	Resolved *Resolution   `json:"resolved,omitempty"`
}

// Resolution is what an operator decided.
type Resolution struct {
	Choice string `json:"choice" doc:"one of the incident's choices" minLength:"1"`
	Who    string `json:"who" doc:"the person who decides" minLength:"1" maxLength:"200"`
	Why    string `json:"why" doc:"the reason; it stays in the journal" minLength:"1" maxLength:"2000"`
}

type output[T any] struct{ Body T }

func (s *Service) register(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "status", Method: http.MethodGet, Path: "/v1/status", Summary: "Positions, lag, open intents, incidents, checkpoints and archive",
	}, func(ctx context.Context, _ *struct{}) (*output[Report], error) {
		return &output[Report]{s.Report(ctx)}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "books", Method: http.MethodGet, Path: "/v1/books", Summary: "The books of each pipeline, made by reading its whole journal",
	}, func(ctx context.Context, _ *struct{}) (*output[[]*pipeline.Books], error) { return s.books(ctx) })
	huma.Register(api, huma.Operation{
		OperationID: "incidents", Method: http.MethodGet, Path: "/v1/incidents", Summary: "Incidents, resolved ones too with all=true",
	}, func(_ context.Context, in *struct {
		All bool `query:"all"`
	},
	) (*output[[]IncidentReport], error) {
		return &output[[]IncidentReport]{s.incidents(in.All)}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "resolve", Method: http.MethodPost, Path: "/v1/incidents/{id}/resolve", Summary: "Decide an incident",
	}, func(ctx context.Context, in *struct {
		ID   string `path:"id"`
		Body Resolution
	},
	) (*output[IncidentReport], error) {
		r, err := s.resolve(ctx, in.ID, in.Body)
		if err != nil {
			return nil, err
		}
		return &output[IncidentReport]{*r}, nil
	})
	s.registerReload(api)
}

// Report is the present status of everything. Only the archive is asked of the store.
func (s *Service) Report(ctx context.Context) Report {
	r := Report{
		Instance: s.set.Config().Instance, Version: s.set.Role().Version, Since: s.began, Reloaded: reloadReport(s.set.Last()),
		Pipelines: []PipelineReport{},
	}
	opened, _ := s.set.Opened()
	for _, o := range opened {
		inForce, seq := o.InForce()
		p := PipelineReport{
			Name: o.Config.Name, Journal: o.Journal.ID().String(), Incarnation: uint64(o.Incarnation), Config: uint64(seq),
			Legs: []LegReport{}, Sources: []SourceReport{}, Incidents: incidentsOf(o, false), Archive: archiveReport(ctx, o),
		}
		for _, l := range s.board.Legs() {
			if l.Stream.Pipeline == p.Name {
				p.Legs = append(p.Legs, legReport(l))
			}
		}
		for _, src := range s.board.Sources() {
			if src.Pipeline == p.Name {
				p.Sources = append(p.Sources, sourceReport(o, src))
			}
		}
		p.Sources = append(p.Sources, s.others(o, inForce.Sources, p.Sources)...)
		for _, c := range s.board.Checkpoints() {
			if c.Pipeline == p.Name {
				p.Checkpoint = checkpointReport(c)
			}
		}
		r.Pipelines = append(r.Pipelines, p)
	}
	return r
}

func sourceReport(o *pipeline.Open, src projections.SourceStatus) SourceReport {
	if src.State == projections.StatePaused {
		entry, _, _ := strings.Cut(string(src.Source), "/")
		o.Control.State(func(s *domain.ControlState) {
			if p := s.Paused[entry]; p != nil {
				src.Error = "by " + p.Who + ": " + p.Why
			}
		})
	}
	r := SourceReport{
		Shard: src.Shard, Source: string(src.Source), City: string(src.City), State: string(src.State), Error: src.Error,
		Rows: src.Rows, Gaps: map[string]int64{}, Partitions: []PartitionReport{},
	}
	for reason, n := range src.Gaps {
		r.Gaps[reason.String()] = n
	}
	for _, p := range src.Partitions {
		r.Partitions = append(r.Partitions, PartitionReport{Partition: p.Partition, Next: p.Next, Stable: p.LastStable, Lag: p.Lag})
	}
	return r
}

// books reads the journals: nobody else can while this process holds their store.
func (s *Service) books(ctx context.Context) (*output[[]*pipeline.Books], error) {
	out := []*pipeline.Books{}
	opened, _ := s.set.Opened()
	for _, o := range opened {
		b, err := pipeline.ReadBooks(ctx, o.Journal)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return &output[[]*pipeline.Books]{out}, nil
}

func (s *Service) incidents(all bool) []IncidentReport {
	out := []IncidentReport{}
	opened, _ := s.set.Opened()
	for _, o := range opened {
		out = append(out, incidentsOf(o, all)...)
	}
	return out
}

func incidentsOf(o *pipeline.Open, all bool) []IncidentReport {
	out := []IncidentReport{}
	o.Control.State(func(s *domain.ControlState) {
		for _, id := range s.Order {
			if resolved := s.Resolved[id]; all || resolved == nil {
				out = append(out, incidentReport(o, s.Incidents[id], resolved))
			}
		}
	})
	return out
}

func incidentReport(o *pipeline.Open, in *domain.Incident, resolved *domain.Resolved) IncidentReport {
	r := IncidentReport{
		ID: in.ID.String(), Pipeline: o.Config.Name, Kind: string(in.What), Shard: in.Shard, Source: string(in.Source),
		Stream: in.Stream.String(), Evidence: in.Evidence,
	}
	for _, c := range in.Choices {
		r.Choices = append(r.Choices, string(c))
	}
	if resolved != nil {
		r.Resolved = &Resolution{Choice: string(resolved.Choice), Who: resolved.Who, Why: resolved.Why}
	}
	return r
}

// resolve appends Resolved. Deciding twice is refused: the first decision is being done.
func (s *Service) resolve(ctx context.Context, name string, d Resolution) (*IncidentReport, error) {
	id, err := domain.ParseIncidentID(name)
	if err != nil {
		return nil, huma.Error422UnprocessableEntity(err.Error())
	}
	opened, _ := s.set.Opened()
	for _, o := range opened {
		var report *IncidentReport
		_, err := o.Control.Append(ctx, func(st *domain.ControlState) (domain.Event, error) {
			in := st.Incidents[id]
			switch {
			case in == nil:
				return nil, nil
			case st.Resolved[id] != nil:
				return nil, huma.Error409Conflict("incident " + name + " is resolved already: " + string(st.Resolved[id].Choice))
			case !in.Allows(domain.Choice(d.Choice)):
				return nil, huma.Error422UnprocessableEntity(fmt.Sprintf("choice %q: the incident allows %v", d.Choice, in.Choices))
			}
			ev := &domain.Resolved{ID: id, Choice: domain.Choice(d.Choice), Who: d.Who, Why: d.Why}
			r := incidentReport(o, in, ev)
			report = &r
			return ev, nil
		})
		if err != nil || report != nil {
			return report, err
		}
	}
	return nil, huma.Error404NotFound("no incident " + name)
}
