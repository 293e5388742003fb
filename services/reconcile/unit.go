package reconcile

import (
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// unit is one journaled source: a topic of a city.
type unit struct {
	id          domain.SourceID
	city        string
	topic       string
	conn        kafkaconn.Config
	uncommitted bool   // rows of aborted and open transactions are rows, too
	still       bool   // paused or ended: what is not journaled is not on its way
	unread      string // why the city is not read; empty: it is
	text        recordText
	parts       map[int32]*partition
	out         *CityReport
}

// unitsOf are the sources to compare: those of the file, as they were journaled, and those
// that the file does not have any more.
func unitsOf(ctx context.Context, p *config.Pipeline, now *domain.PipelineConfig) ([]*unit, error) {
	var out []*unit
	known := map[domain.SourceID]bool{}
	add := func(u unit) {
		if known[u.id] {
			return
		}
		known[u.id] = true
		u.parts = map[int32]*partition{}
		u.out = &CityReport{Source: u.id, City: domain.City(u.city), Gaps: map[domain.Reason]int64{}, Counts: map[domain.Class]int64{}}
		out = append(out, &u)
	}
	for i := range p.Sources {
		s := &p.Sources[i]
		entry := unit{city: s.City, conn: s.Config, uncommitted: s.Isolation == config.ReadUncommitted, still: s.Paused, text: textOf(s.Records.Domain())}
		for _, j := range now.Sources {
			if j.ID == domain.SourceID(s.ID) || j.Group == domain.SourceID(s.ID) {
				u := entry
				u.id, u.city, u.topic, u.text, u.still = j.ID, string(j.City), j.Topic, textOf(j.Format), s.Paused || j.Ended
				add(u)
			}
		}
		topics, err := topicsOf(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("city %s source %s: topics of the pattern: %w", s.City, s.ID, err)
		}
		for _, topic := range topics {
			u := entry
			u.id, u.topic = domain.SourceID(s.ID), topic
			if s.Topic == "" {
				u.id = domain.TopicSource(u.id, topic)
			}
			add(u)
		}
	}
	for _, j := range now.Sources {
		add(unit{id: j.ID, city: string(j.City), topic: j.Topic, unread: "it is not in the configuration any more, and so its city was not read", text: textOf(j.Format)})
	}
	return out, nil
}

// topicsOf are the topics that an entry names; of a pattern those that the cluster has now.
func topicsOf(ctx context.Context, s *config.Source) ([]string, error) {
	if s.TopicPattern == "" {
		if s.Topic != "" {
			return []string{s.Topic}, nil
		}
		return s.Topics, nil
	}
	matches, err := regexp.Compile("^(?:" + s.TopicPattern + ")$")
	if err != nil {
		return nil, err
	}
	cl, err := kafkaconn.Dial(s.Config)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	all, err := kadm.NewClient(cl).ListTopics(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, topic := range all.Names() {
		if matches.MatchString(topic) {
			out = append(out, topic)
		}
	}
	return out, nil
}

// recordText is what the hub should have of a record's bytes.
type recordText struct {
	of   func([]byte) string // nil: this package cannot say
	why  string              // it cannot
	json bool                // whether it is NULL cannot be said either
}

// textOf says how a source's records become text.
func textOf(f domain.SourceFormat) recordText {
	switch charset := strings.ToUpper(strings.ReplaceAll(f.Charset, "_", "-")); {
	case f.Kind == domain.FormatJSON:
		return recordText{json: true, why: "the source's records are json, which the reconciler does not read"}
	case f.Binary:
		return recordText{of: base64.StdEncoding.EncodeToString}
	case charset == "" || charset == "UTF-8" || charset == "UTF8":
		return recordText{of: javaText}
	case charset == "ISO-8859-1" || charset == "LATIN1":
		return recordText{of: latin(0x100)}
	case charset == "US-ASCII" || charset == "ASCII":
		return recordText{of: latin(0x80)}
	default:
		return recordText{why: "the source's charset is " + f.Charset + ", which the reconciler does not read"}
	}
}

// latin makes a character of each byte below the limit, and U+FFFD of the others.
func latin(limit rune) func([]byte) string {
	return func(in []byte) string {
		out := make([]rune, len(in))
		for i, b := range in {
			if out[i] = rune(b); out[i] >= limit {
				out[i] = '\uFFFD'
			}
		}
		return string(out)
	}
}

// takeBooks lays out the partitions that the journal knows. Of a partition with several
// generations the newest is compared.
func (c *comparison) takeBooks(books *pipeline.Books) {
	for _, u := range c.units {
		c.cities[u.city] = append(c.cities[u.city], u)
		for _, a := range books.Accounts {
			if a.Source != u.id {
				continue
			}
			for reason, n := range a.Gaps {
				u.out.Gaps[reason] += n
			}
			part := &partition{unit: u, number: a.Partition, account: a, pending: a.Rows - a.Hub - a.HubExcluded}
			for i := range books.Positions {
				if at := &books.Positions[i]; at.Source == a.Source && at.Generation == a.Generation && at.Partition == a.Partition && at.Bounded {
					part.bounded, part.stop = true, max(at.Stop, part.start())
				}
			}
			for _, x := range books.Excluded {
				if x.Key != a.PartitionKey {
					continue
				}
				of := &part.skip
				if x.Leg == domain.LegDoris {
					of = &part.without
				}
				*of, _ = of.Add(domain.Span{First: x.Offset, Next: x.Offset + x.Count})
			}
			u.parts[a.Partition] = part
		}
	}
}
