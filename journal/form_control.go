package journal

import (
	"crypto/sha256"

	"github.com/hefu-io/hefu/domain"
)

// ConfigDigest is the SHA-256 of a configuration's stored form.
func ConfigDigest(c *domain.PipelineConfig) domain.Hash {
	var e enc
	e.config(c)
	return sha256.Sum256(e.b)
}

func (e *enc) config(c *domain.PipelineConfig) {
	e.str(c.Timezone)
	e.hubFormat(&c.Format)
	e.bool(c.Direct)
	e.str(c.HubTopic)
	e.i(int64(c.HubPartitions))
	e.n(c.Shards)
	e.str(c.Table)
	each(e, c.Sources, func(s *domain.SourceConfig) {
		e.str(string(s.ID))
		e.str(string(s.City))
		e.str(s.Topic)
		e.i(int64(s.Base))
		e.bool(s.Ended)
		e.sourceFormat(&s.Format)
		e.str(string(s.Group))
		e.bool(s.Late)
	})
}

func (d *dec) config() domain.PipelineConfig {
	return domain.PipelineConfig{
		Timezone: d.str(), Format: d.hubFormat(), Direct: d.bool(), HubTopic: d.str(), HubPartitions: d.i32(), Shards: d.int(), Table: d.str(),
		Sources: list(d, 14, func() domain.SourceConfig {
			return domain.SourceConfig{
				ID: domain.SourceID(d.str()), City: domain.City(d.str()), Topic: d.str(), Base: d.i32(), Ended: d.bool(),
				Format: d.sourceFormat(), Group: domain.SourceID(d.str()), Late: d.bool(),
			}
		}),
	}
}

func (e *enc) control(ev domain.Event) {
	switch ev := ev.(type) {
	case *domain.Started:
		e.str(ev.Instance)
		e.str(ev.Host)
		e.n(ev.PID)
		e.str(ev.Version)
		each(e, ev.Claims, func(c *domain.Claim) { e.n(c.Shard); e.str(string(c.Leg)) })
		e.id(ev.Nonce)
	case *domain.PipelineConfigured:
		e.hash(ev.Digest)
		e.config(&ev.Config)
	case *domain.Incident:
		e.id(ev.ID)
		e.str(string(ev.What))
		e.n(ev.Shard)
		e.str(string(ev.Source))
		e.str(streamName(ev.Stream))
		each(e, ev.Evidence, func(f *domain.Fact) { e.str(f.Key); e.str(f.Value) })
		each(e, ev.Choices, func(c *domain.Choice) { e.str(string(*c)) })
	case *domain.Resolved:
		e.id(ev.ID)
		e.str(string(ev.Choice))
		e.str(ev.Who)
		e.str(ev.Why)
	case *domain.Operator:
		e.str(string(ev.Action))
		e.str(ev.Target)
		e.str(ev.Who)
		e.str(ev.Why)
	}
}

func (d *dec) control(kind domain.Kind) domain.Event {
	switch kind {
	case domain.KindStarted:
		return &domain.Started{
			Instance: d.str(), Host: d.str(), PID: d.int(), Version: d.str(),
			Claims: list(d, 2, func() domain.Claim { return domain.Claim{Shard: d.int(), Leg: domain.Leg(d.str())} }),
			Nonce:  d.id(),
		}
	case domain.KindPipelineConfigured:
		return &domain.PipelineConfigured{Digest: d.hash(), Config: d.config()}
	case domain.KindIncident:
		in := &domain.Incident{
			ID: d.id(), What: domain.IncidentKind(d.str()), Shard: d.int(), Source: domain.SourceID(d.str()),
		}
		if name := d.str(); name != "" {
			s, err := domain.ParseStream(name)
			if err != nil {
				d.fail(err)
			}
			in.Stream = s
		}
		in.Evidence = list(d, 2, func() domain.Fact { return domain.Fact{Key: d.str(), Value: d.str()} })
		in.Choices = list(d, 1, func() domain.Choice { return domain.Choice(d.str()) })
		return in
	case domain.KindOperator:
		return &domain.Operator{Action: domain.OperatorAction(d.str()), Target: d.str(), Who: d.str(), Why: d.str()}
	default:
		return &domain.Resolved{ID: d.id(), Choice: domain.Choice(d.str()), Who: d.str(), Why: d.str()}
	}
}
