package rebuild

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
)

// cityTopic is a source's topic as its cluster has it now.
type cityTopic struct {
	topic  kafkaconn.Topic
	bounds map[int32]kafkaconn.Bounds
}

// askCities asks every city for its topics. All of them must answer: where a partition goes on is
// decided once.
func askCities(ctx context.Context, p *config.Pipeline, c *domain.PipelineConfig) (map[domain.SourceID]*cityTopic, error) {
	out := map[domain.SourceID]*cityTopic{}
	var g errgroup.Group
	g.SetLimit(8)
	for i := range c.Sources {
		s := &c.Sources[i]
		if s.Ended {
			continue
		}
		from := entryOf(p, s)
		if from == nil {
			return nil, fmt.Errorf("source %s is in no entry of the file", s.ID)
		}
		city := &cityTopic{}
		out[s.ID] = city
		g.Go(func() error {
			if err := city.ask(ctx, from.Config, s.Topic); err != nil {
				return fmt.Errorf("source %s: %w; every city has to answer before the journal is rebuilt", s.ID, err)
			}
			return nil
		})
	}
	return out, g.Wait()
}

func (c *cityTopic) ask(ctx context.Context, kafka kafkaconn.Config, topic string) error {
	cl, err := kafkaconn.Dial(kafka)
	if err != nil {
		return err
	}
	defer cl.Close()
	if c.topic, err = kafkaconn.Describe(ctx, cl, topic); err != nil {
		return err
	}
	c.bounds, err = kafkaconn.Offsets(ctx, cl, topic)
	return err
}

// entryOf is the entry of the file that a source is of.
func entryOf(p *config.Pipeline, s *domain.SourceConfig) *config.Source {
	id := s.ID
	if s.Group != "" {
		id = s.Group
	}
	for i := range p.Sources {
		if domain.SourceID(p.Sources[i].ID) == id {
			return &p.Sources[i]
		}
	}
	return nil
}
