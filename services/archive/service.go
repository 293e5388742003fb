package archive

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// Service looks for sealed segments now and then, and when somebody asks.
type Service struct {
	set *pipeline.Set
	log *slog.Logger

	passing sync.Mutex // one pass at a time
}

// New makes the Service.
func New(set *pipeline.Set, log *slog.Logger) *Service { return &Service{set: set, log: log} }

// Run looks until the context ends. What fails is said once and tried again: the segments
// stay where they are.
func (s *Service) Run(ctx context.Context) error {
	opened, err := s.set.Wait(ctx)
	if err != nil {
		return err
	}
	c := s.set.Config().Journal.Archive
	if c == nil {
		<-ctx.Done()
		return nil
	}
	every := c.Interval
	if every <= 0 {
		every = config.DefaultArchive().Interval
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for said := map[string]string{}; ; {
		for _, o := range opened {
			why := s.look(ctx, o, c.Drop)
			if why != "" && why != said[o.Config.Name] && ctx.Err() == nil {
				s.log.WarnContext(ctx, "segments are not archived or dropped, tried again", "pipeline", o.Config.Name, "why", why)
			}
			said[o.Config.Name] = why
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look is one pass of the rule; it says what failed.
func (s *Service) look(ctx context.Context, o *pipeline.Open, drop bool) string {
	r, err := s.pass(ctx, o, drop, false)
	if err != nil {
		return err.Error()
	}
	if bad := r.Failed(); bad != nil {
		return bad.Why
	}
	return ""
}

func (s *Service) pass(ctx context.Context, o *pipeline.Open, drop, look bool) (*Report, error) {
	s.passing.Lock()
	defer s.passing.Unlock()
	j := Job{
		Journal: o.Journal, Control: o.Control, Archive: o.Archive, Has: o.Has, Shards: o.Configured.Shards,
		Owns: func(st domain.Stream) bool { return owns(o, s.set.Role(), st) }, Drop: drop, Look: look, Log: s.log,
	}
	return j.Pass(ctx)
}

// owns reports whether a stream's segments are this process's to archive: its writer's, and
// of control, which has many, those of whoever ingests shard 0. Two that believe so do no
// harm: the one finds what the other did.
func owns(o *pipeline.Open, role pipeline.Role, s domain.Stream) bool {
	if s.Leg == domain.LegControl {
		s.Leg = domain.LegIngest
	}
	return o.Writes(role, s)
}

// Ask is the body of POST /v1/archive.
type Ask struct {
	Pipeline string `json:"pipeline,omitempty" doc:"empty: all"`
	Drop     bool   `json:"drop,omitempty" doc:"drop what may be, also where journal.archive.drop is false"`
	Look     bool   `json:"look,omitempty" doc:"only say what would be done"`
}

// Routes implements lifecycle.Routes.
func (s *Service) Routes(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "archive", Method: http.MethodPost, Path: "/v1/archive",
		Summary: "Archive the sealed segments now, drop what may be, and say why the others stay",
	}, func(ctx context.Context, in *struct{ Body Ask }) (*struct{ Body []*Report }, error) {
		out, err := s.Archive(ctx, in.Body)
		return &struct{ Body []*Report }{out}, err
	})
}

// Archive is one pass that somebody asked for.
func (s *Service) Archive(ctx context.Context, a Ask) ([]*Report, error) {
	c := s.set.Config().Journal.Archive
	if c == nil {
		return nil, huma.Error422UnprocessableEntity("hefu.yaml has no journal.archive")
	}
	opened, there := s.set.Opened()
	if !there {
		return nil, huma.Error503ServiceUnavailable("the journal is not open yet")
	}
	out := []*Report{}
	for _, o := range opened {
		if a.Pipeline != "" && a.Pipeline != o.Config.Name {
			continue
		}
		r, err := s.pass(ctx, o, a.Drop || c.Drop, a.Look)
		if err != nil {
			return nil, huma.Error503ServiceUnavailable(err.Error())
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		return nil, huma.Error404NotFound("no pipeline " + a.Pipeline)
	}
	return out, nil
}
