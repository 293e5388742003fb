package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
)

// discoverEvery is how often the clusters of patterns are asked for their topics. Flink asks
// every 5 minutes (scan.topic-partition-discovery.interval). A list of names costs a broker
// little, and a new topic is no news after half a minute.
const discoverEvery = 30 * time.Second

// discoverTimeout bounds one question.
const discoverTimeout = 20 * time.Second

// look is what was last found out about the topics of a pattern.
type look struct {
	done bool  // a cluster answered in this process
	err  error // why it did not, at the last look
}

// Search is an entry of hefu.yaml with a pattern that has no topic yet, or whose cluster was
// not heard of.
type Search struct {
	Source, City string
	Why          string // an error, or that no topic matches
	Failed       bool   // it is an error
}

// Searches are those of a pipeline now.
func (o *Open) Searches() []Search {
	inForce, _ := o.InForce()
	o.reading.mu.Lock()
	defer o.reading.mu.Unlock()
	var out []Search
	for i := range o.reading.file.Sources {
		s := &o.reading.file.Sources[i]
		l := o.reading.looks[s.ID]
		switch {
		case l == nil:
		case l.err != nil:
			out = append(out, Search{s.ID, s.City, fmt.Sprintf("topics of pattern %s: %v", s.TopicPattern, l.err), true})
		case !slices.ContainsFunc(inForce.Sources, func(have domain.SourceConfig) bool { return have.Group == domain.SourceID(s.ID) && !have.Ended }):
			out = append(out, Search{s.ID, s.City, "no topic matches pattern " + s.TopicPattern + " yet", false})
		}
	}
	return out
}

// discover looks for topics of patterns now, again whenever the sources change, and every so
// often. A cluster that does not answer keeps nobody from starting: it is asked again.
func (s *Set) discover(ctx context.Context, o *Open) error {
	tick := time.NewTicker(s.DiscoverEvery)
	defer tick.Stop()
	for {
		file, changed := o.reading.now()
		for i := range file.Sources {
			if file.Sources[i].TopicPattern == "" {
				continue
			}
			if err := s.find(ctx, o, &file, &file.Sources[i]); err != nil {
				return ended(ctx, err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-changed:
		}
	}
}

// find makes sources of the topics of one entry. Its errors are those of the journal.
func (s *Set) find(ctx context.Context, o *Open, file *config.Pipeline, src *config.Source) error {
	inForce, _ := o.InForce()
	of := func(have domain.SourceConfig) bool { return have.Group == domain.SourceID(src.ID) }
	if src.Bounded != "" && slices.ContainsFunc(inForce.Sources, of) {
		return nil // it reads to its end what was there when it began
	}
	topics, late := s.look(ctx, o, file, src)
	if len(topics) == 0 {
		return nil
	}
	return s.add(ctx, o, file, src, topics, late)
}

// look asks an entry's cluster for its topics. An error is told once for as long as it stays
// the same, and is none of the pipeline's. late says that an earlier look had an answer.
func (s *Set) look(ctx context.Context, o *Open, file *config.Pipeline, src *config.Source) (topics []string, late bool) {
	topics, err := s.topics(ctx, src)
	late, news := o.reading.looked(src.ID, err)
	if news && ctx.Err() == nil {
		s.log.WarnContext(ctx, "topics of a pattern could not be listed, trying again", "pipeline", file.Name, "source", src.ID,
			"brokers", strings.Join(src.Brokers, ","), "pattern", src.TopicPattern, "error", err, "hint", kafkaconn.Explain(err))
	}
	return topics, late
}

// add journals what was found, unless another file was taken over meanwhile: then the next
// look finds what belongs to that.
func (s *Set) add(ctx context.Context, o *Open, file *config.Pipeline, src *config.Source, topics []string, late bool) error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	if now, _ := o.reading.now(); !slices.ContainsFunc(now.Sources, func(n config.Source) bool {
		return n.ID == src.ID && n.TopicPattern == src.TopicPattern
	}) {
		return nil
	}
	var added []domain.SourceConfig
	ref, err := o.Control.Append(ctx, func(st *domain.ControlState) (domain.Event, error) {
		want, err := Discovered(file, src, &st.Config.Config, topics, late)
		if err != nil || want == nil {
			return nil, err
		}
		added = want.Sources[len(st.Config.Config.Sources):]
		return configured(want, st.Config), nil
	})
	if ref.IsZero() {
		added = nil
	}
	for _, a := range added {
		s.log.InfoContext(ctx, "topic matches a pattern and is read from now on", "pipeline", file.Name, "source", string(a.ID), "topic", a.Topic)
	}
	return err
}

// topics lists the topics of an entry's pattern, without those that this process writes.
func (s *Set) topics(ctx context.Context, src *config.Source) ([]string, error) {
	cl, err := kafkaconn.Dial(src.Config)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, discoverTimeout)
	defer cancel()
	match := matcher(src)
	return kafkaconn.Topics(ctx, cl, func(topic string) bool { return match(topic) && !s.writes(src.Brokers, topic) })
}

// writes reports whether a topic at some brokers is one that a pipeline of this process
// writes, as far as addresses tell: rows would go round in circles.
func (s *Set) writes(brokers []string, topic string) bool {
	for i := range s.c.Pipelines {
		h := &s.c.Pipelines[i].Hub
		there := slices.ContainsFunc(h.Brokers, func(b string) bool { return slices.Contains(brokers, b) })
		if there && (topic == h.Topic || topic == h.ProgressTopic) {
			return true
		}
	}
	return false
}

// looked keeps what a look found out: whether an earlier one of this process had an answer,
// and whether the error is another one than before.
func (r *reading) looked(id string, err error) (before, news bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.looks[id]
	if l == nil {
		return false, false // it is no longer in the file
	}
	before = l.done
	news = err != nil && (l.err == nil || l.err.Error() != err.Error())
	l.err = err
	l.done = l.done || err == nil
	return before, news
}
