package pipeline

import (
	"context"
	"sync"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
)

// Source is a source in force with what hefu.yaml says about reading it.
type Source struct {
	domain.SourceConfig
	Kafka   kafkaconn.Config
	Reading config.Reading
}

// reading is what hefu.yaml says about the sources of a pipeline now. It changes by reload.
type reading struct {
	mu      sync.Mutex
	file    config.Pipeline
	changed chan struct{}    // closed and replaced when Sources may give something else
	looks   map[string]*look // at the topics of patterns, by the entry's id
}

// set takes over a file, and forgets what is no longer in it.
func (r *reading) set(file config.Pipeline) {
	r.mu.Lock()
	r.file = file
	looks := map[string]*look{}
	for i := range file.Sources {
		if s := &file.Sources[i]; s.TopicPattern != "" {
			looks[s.ID] = r.looks[s.ID]
			if looks[s.ID] == nil {
				looks[s.ID] = &look{}
			}
		}
	}
	r.looks = looks
	r.mu.Unlock()
	r.tell()
}

// tell wakes whoever waits for another answer of Sources.
func (r *reading) tell() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed != nil {
		close(r.changed)
	}
	r.changed = make(chan struct{})
}

func (r *reading) now() (config.Pipeline, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.file, r.changed
}

// InForce is the configuration in force and the seq of its PipelineConfigured:
// projections.Configured.
func (o *Open) InForce() (c domain.PipelineConfig, seq domain.Seq) {
	o.Control.State(func(s *domain.ControlState) { c, seq = s.Config.Config, s.ConfigSeq })
	return c, seq
}

// File is the pipeline as the file has it that was taken over last.
func (o *Open) File() config.Pipeline {
	file, _ := o.reading.now()
	return file
}

// Sources are the sources that are in force and in the file, in the order in force, those
// that are paused among them; config is the seq in force. changed is closed when there may
// be others, or the same ones with other settings.
func (o *Open) Sources() (list []Source, config domain.Seq, changed <-chan struct{}) {
	file, changed := o.reading.now()
	inForce, config := o.InForce()
	for _, s := range inForce.Sources {
		if s.Ended {
			continue
		}
		if src, there := inFile(&file, s); there {
			list = append(list, src)
		}
	}
	return list, config, changed
}

// inFile joins a source in force with its entry.
func inFile(file *config.Pipeline, s domain.SourceConfig) (Source, bool) {
	if file.ReadHub != nil {
		return Source{s, file.Hub.Config, file.ReadHub.Reading}, s.ID == hubSource
	}
	entry := s.ID
	if s.Group != "" {
		entry = s.Group
	}
	for i := range file.Sources {
		if f := &file.Sources[i]; domain.SourceID(f.ID) == entry {
			src := Source{s, f.Config, f.Reading}
			if s.Late {
				src.Reading.Start = config.StartEarliest
			}
			return src, true
		}
	}
	return Source{}, false
}

// watchConfig tells when another configuration comes into force, whoever made it: a reload,
// a topic of a pattern, or `hefu apply` on another host.
func (o *Open) watchConfig(ctx context.Context) error {
	_, seen := o.InForce()
	for {
		err := o.Control.Wait(ctx, func(s *domain.ControlState) bool { return s.ConfigSeq != seen })
		if err != nil {
			return ended(ctx, err)
		}
		_, seen = o.InForce()
		o.reading.tell()
	}
}
