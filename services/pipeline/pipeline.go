package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/archive"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
)

// takeoverPause is the moment that a new owner gives the old one after Started, so
// that it stops by itself; the expected sequence is the fence.
const takeoverPause = time.Second

// Role is what this process takes of each pipeline.
type Role struct {
	Version string
	Legs    []domain.Leg // ingest, hub, doris; the lineage goes with doris
	Shards  []int        // empty: all
	// Reloads brings a token for each time that a person asks for Set.Reload by a signal;
	// nil: nobody does.
	Reloads <-chan os.Signal
}

// Has reports whether the role has a leg.
func (r Role) Has(leg domain.Leg) bool { return slices.Contains(r.all(), leg) }

// all are the legs of the role, with the lineage where it goes.
func (r Role) all() []domain.Leg {
	if slices.Contains(r.Legs, domain.LegDoris) {
		return append(slices.Clone(r.Legs), domain.LegLineage)
	}
	return r.Legs
}

// Open is one pipeline, opened: what its legs work with.
type Open struct {
	// Config is the file's as the process began. What may change while it runs is given by
	// Sources; everything else may not.
	Config      config.Pipeline
	Journal     *journal.Journal
	Control     *journal.Control
	Incidents   projections.Incidents
	Configured  domain.PipelineConfig // in force as the process began; InForce is that of now
	ConfigSeq   domain.Seq
	Incarnation domain.Seq
	Shards      []int          // that this process takes
	MaxPayload  int64          // the largest event, bytes
	Archive     *archive.Store // behind the journal's store; nil: none

	reading reading
}

// open opens a pipeline's journal, applies or checks its configuration, and says
// Started. Each step is found done by the next process if this one dies after it.
func open(ctx context.Context, c *config.Config, p config.Pipeline, store *Store, role Role, ask AskHub, log *slog.Logger) (*Open, error) {
	j, control, err := Vouch(ctx, c, &p, store, role, ask, log)
	if err != nil {
		return nil, fmt.Errorf("pipeline %s: %w", p.Name, err)
	}
	o := &Open{Config: p, Journal: j, Control: control, Incidents: projections.Incidents{Control: control}, MaxPayload: store.MaxPayload, Archive: store.Archive}
	if c.Journal.Mode == config.ModeEmbedded {
		_, err = Apply(ctx, control, p, log)
	} else {
		err = check(control, &p)
	}
	if err != nil {
		return nil, err
	}
	o.Configured, o.ConfigSeq = o.InForce()
	o.reading.set(p)
	if role.Has(domain.LegHub) {
		if err := checkBacklog(ctx, c, o, store, log); err != nil {
			return nil, err
		}
	}
	if err := o.start(ctx, c, role); err != nil || !role.Has(domain.LegIngest) {
		return o, err
	}
	return o, o.operate(ctx, &p, c.Instance, "hefu.yaml, as the process began")
}

// Has reports whether the pipeline has a leg.
func (o *Open) Has(leg domain.Leg) bool {
	switch leg {
	case domain.LegHub:
		return !o.Configured.Direct
	case domain.LegDoris:
		return o.Config.Doris != nil
	case domain.LegLineage:
		return o.Config.Lineage != nil
	default:
		return true
	}
}

// start appends Started, whose seq is the incarnation of this process.
func (o *Open) start(ctx context.Context, c *config.Config, role Role) error {
	o.Shards = role.Shards
	if len(o.Shards) == 0 {
		for shard := range o.Configured.Shards {
			o.Shards = append(o.Shards, shard)
		}
	}
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	ev := &domain.Started{Instance: c.Instance, Host: host, PID: os.Getpid(), Version: role.Version}
	for _, shard := range o.Shards {
		if shard < 0 || shard >= o.Configured.Shards {
			return &ConfigError{o.Config.Name, fmt.Sprintf("shard %d: the pipeline has %d, counted from 0", shard, o.Configured.Shards)}
		}
		for _, leg := range role.all() {
			if !o.Has(leg) {
				continue
			}
			ev.Claims = append(ev.Claims, domain.Claim{Shard: shard, Leg: leg})
		}
	}
	others := false
	crash.Point("started.append.before")
	ref, err := o.Control.Append(ctx, func(s *domain.ControlState) (domain.Event, error) {
		others = len(s.Owners) > 0
		return ev, nil
	})
	if err != nil {
		return err
	}
	crash.Point("started.append.after")
	o.Incarnation = ref.Seq
	if others && c.Journal.Mode == config.ModeExternal {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(takeoverPause):
		}
	}
	return nil
}

// Apply makes hefu.yaml's pipeline the configuration in force and reports whether it
// had to. Errors: *ConfigError.
func Apply(ctx context.Context, control *journal.Control, p config.Pipeline, log *slog.Logger) (bool, error) {
	var first bool
	control.State(func(s *domain.ControlState) { first = s.Config == nil })
	hubPartitions := int32(0)
	if first {
		var err error
		if hubPartitions, err = countHubPartitions(ctx, &p, log); err != nil {
			return false, err
		}
	}
	ref, err := control.Append(ctx, func(s *domain.ControlState) (domain.Event, error) {
		var now *domain.PipelineConfig
		if s.Config != nil {
			now = &s.Config.Config
		}
		want, err := Desired(&p, now, hubPartitions)
		if err != nil {
			return nil, err
		}
		if ev := configured(want, s.Config); ev != nil {
			return ev, nil
		}
		return nil, nil
	})
	return !ref.IsZero(), err
}

// check demands that hefu.yaml is the configuration in force: with an external journal
// two hosts may hold two files, and only `hefu apply` changes it.
func check(control *journal.Control, p *config.Pipeline) error {
	var err error
	control.State(func(s *domain.ControlState) {
		if s.Config == nil {
			err = &ConfigError{p.Name, "was never applied to this journal: run `hefu apply -c hefu.yaml` once"}
			return
		}
		var want *domain.PipelineConfig
		if want, err = Desired(p, &s.Config.Config, 0); err == nil && configured(want, s.Config) != nil {
			err = &ConfigError{p.Name, "the file's sources are not those in force: run `hefu apply -c hefu.yaml`, or take the file of the other host"}
		}
	})
	return err
}

// countHubPartitions asks the broker for H, once in a pipeline's life. It waits for a
// hub that does not answer; a hub without the topic is the operator's to mend.
func countHubPartitions(ctx context.Context, p *config.Pipeline, log *slog.Logger) (int32, error) {
	said := ""
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		n, err := describeHub(ctx, p)
		switch {
		case err == nil:
			return n, nil
		case errors.Is(err, kafkaconn.ErrNoTopic):
			return 0, &ConfigError{p.Name, fmt.Sprintf("the hub has no topic %s; Hefu never makes it: kafka-topics.sh --bootstrap-server %s --create --topic %s --partitions 24 --replication-factor 3",
				p.Hub.Topic, p.Hub.Brokers[0], p.Hub.Topic)}
		case err.Error() != said:
			said = err.Error()
			log.WarnContext(ctx, "hub is not reachable, trying again", "pipeline", p.Name, "error", err, "hint", kafkaconn.Explain(err))
		}
		select {
		case <-ctx.Done():
			return 0, err
		case <-time.After(wait):
		}
	}
}

func describeHub(ctx context.Context, p *config.Pipeline) (int32, error) {
	cl, err := kafkaconn.Dial(p.Hub.Config)
	if err != nil {
		return 0, err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	t, err := kafkaconn.Describe(ctx, cl, p.Hub.Topic)
	if err != nil {
		return 0, err
	}
	return int32(len(t.Partitions)), nil
}
