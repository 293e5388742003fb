package pipeline

import (
	"fmt"
	"regexp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
)

// hubSource is the one source of a pipeline that reads the hub topic itself.
const hubSource domain.SourceID = "hub"

// sources adds what is new in the file, ends what is gone, takes up again what ended and
// is back, and refuses what changed.
func sources(c *config.Pipeline, want *domain.PipelineConfig) error {
	asked := map[domain.SourceID]bool{}
	for _, s := range asks(c, want) {
		asked[s.ID] = true
		if err := put(c.Name, want, s); err != nil {
			return err
		}
	}
	for i := range want.Sources {
		want.Sources[i].Ended = !asked[want.Sources[i].ID]
	}
	return nil
}

// asks are the sources that the file asks for, bases left open: one for an entry with one
// topic, one for each of several; of a pattern those that were found before.
func asks(c *config.Pipeline, now *domain.PipelineConfig) []domain.SourceConfig {
	if c.ReadHub != nil {
		return []domain.SourceConfig{{ID: hubSource, Topic: c.Hub.Topic}}
	}
	var out []domain.SourceConfig
	for i := range c.Sources {
		s := &c.Sources[i]
		switch {
		case s.TopicPattern != "":
			match := matcher(s)
			for _, known := range now.Sources {
				if known.Group == domain.SourceID(s.ID) && match(known.Topic) {
					out = append(out, ofTopic(s, known.Topic))
				}
			}
		case len(s.Topics) > 0:
			for _, topic := range s.Topics {
				out = append(out, ofTopic(s, topic))
			}
		default:
			out = append(out, domain.SourceConfig{
				ID: domain.SourceID(s.ID), City: domain.City(s.City), Topic: s.Topic, Format: s.Records.Domain(),
			})
		}
	}
	return out
}

// ofTopic is the source of one topic of an entry with several.
func ofTopic(s *config.Source, topic string) domain.SourceConfig {
	entry := domain.SourceID(s.ID)
	return domain.SourceConfig{
		ID: domain.TopicSource(entry, topic), City: domain.City(s.City), Topic: topic, Format: s.Records.Domain(), Group: entry,
	}
}

// matcher says which topics an entry's pattern names: those whose whole name it matches. A
// pattern that is none matches nothing; config refuses it.
func matcher(s *config.Source) func(topic string) bool {
	re, err := regexp.Compile("^(?:" + s.TopicPattern + ")$")
	if err != nil {
		return func(string) bool { return false }
	}
	return re.MatchString
}

// put makes a source of the file one of the configuration: a new one with a base of its own,
// or the one that it was before.
func put(pipeline string, want *domain.PipelineConfig, s domain.SourceConfig) error {
	taken := make([]int32, 0, len(want.Sources))
	for i := range want.Sources {
		have := &want.Sources[i]
		taken = append(taken, have.Base)
		switch {
		case have.ID == s.ID:
			return same(pipeline, have, &s)
		case s.Group != "" && have.ID == s.Group:
			return &ConfigError{pipeline, fmt.Sprintf("source %s is the one topic %s for ever; several topics are an entry with another id, or its rows would be read twice", s.Group, have.Topic)}
		case have.Group == s.ID:
			return &ConfigError{pipeline, fmt.Sprintf("source %s is an entry with several topics for ever (%s is one); a single topic is an entry with another id, or its rows would be read twice", s.ID, have.ID)}
		}
	}
	if !want.Direct {
		s.Base = domain.NextBase(taken, want.HubPartitions)
	}
	want.Sources = append(want.Sources, s)
	return nil
}

// same refuses a source that is not what it was.
func same(pipeline string, have, now *domain.SourceConfig) error {
	if have.City != now.City || have.Topic != now.Topic {
		return &ConfigError{pipeline, fmt.Sprintf("source %s is city %s topic %s for ever, the file says city %s topic %s; a new code or topic is a new source",
			have.ID, have.City, have.Topic, now.City, now.Topic)}
	}
	if was, is := fmt.Sprintf("%+v", have.Format), fmt.Sprintf("%+v", now.Format); was != is {
		return &ConfigError{pipeline, fmt.Sprintf("source %s is read as %s for ever, the file says %s: rows of the journal would become others; another format is a new source",
			have.ID, was, is)}
	}
	return nil
}

// Discovered is the configuration with the topics of a pattern that a city's cluster has and
// nobody reads yet; nil when there are none. late says that they came after others, or after
// a look that found none. Errors: *ConfigError.
func Discovered(c *config.Pipeline, s *config.Source, now *domain.PipelineConfig, topics []string, late bool) (*domain.PipelineConfig, error) {
	want := *now
	want.Sources = append([]domain.SourceConfig(nil), now.Sources...)
	entry := domain.SourceID(s.ID)
	for _, have := range now.Sources {
		late = late || have.Group == entry
	}
	for _, topic := range topics {
		found := ofTopic(s, topic)
		if _, known := now.Source(found.ID); known {
			continue
		}
		found.Late = late
		if err := put(c.Name, &want, found); err != nil {
			return nil, err
		}
	}
	if len(want.Sources) == len(now.Sources) {
		return nil, nil
	}
	return &want, nil
}
