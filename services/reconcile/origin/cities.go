package origin

import (
	"context"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
)

// City is a journaled source as it can be read again: a topic of a city.
type City struct {
	Source domain.SourceID
	City   domain.City
	Topic  string
	// Unread says why it is not read; empty: it is.
	Unread string
	// Still says that it is not read by the pipeline either: paused, or ended. What its topic
	// has beyond the journal is not on its way.
	Still bool

	kafka       kafkaconn.Config
	uncommitted bool  // rows of transactions that were aborted, or are open, are rows
	limit       int64 // bytes that are read in a second at most; 0: any number
}

// Cities are the journaled sources, each with the way to its cluster that the file says. A
// pipeline that reads the hub topic itself has none.
func (o *Journal) Cities(p *config.Pipeline) []*City {
	if o.config.Direct {
		return nil
	}
	var out []*City
	for _, s := range o.config.Sources {
		c := &City{Source: s.ID, City: s.City, Topic: s.Topic, Still: s.Ended, limit: int64(p.Reconcile.KafkaBytes)}
		c.Unread = "it is not in the configuration any more, and so its city was not read"
		for i := range p.Sources {
			if in := &p.Sources[i]; domain.SourceID(in.ID) == s.ID || domain.SourceID(in.ID) == s.Group {
				c.Unread, c.kafka, c.uncommitted, c.Still = "", in.Config, in.Isolation == config.ReadUncommitted, s.Ended || in.Paused
			}
		}
		out = append(out, c)
	}
	return out
}

// open hands over a partition with its bounds of now, by a client of its own. Errors name the
// city.
func (c *City) open(ctx context.Context, number int32, use func(*partition) error) error {
	if c.Unread != "" {
		return fmt.Errorf("city %s source %s: %w", c.City, c.Source, errors.New(c.Unread))
	}
	cl, err := kafkaconn.Dial(c.kafka)
	if err == nil {
		defer cl.Close()
		p := &partition{cl: cl, number: number, limit: c.limit}
		if err = p.look(ctx, c.Topic); err == nil {
			err = use(p)
		}
	}
	if err != nil {
		return fmt.Errorf("city %s source %s: %w", c.City, c.Source, err)
	}
	return nil
}
