package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/config"
)

// ConfigError says that hefu.yaml contradicts what is fixed for the pipeline's life,
// or for the life of this process, or what stands in the way of a first start. A start ends
// with exit code 2 over it; a reload changes nothing.
type ConfigError struct {
	Pipeline string // empty: it concerns the whole file
	Reason   string
}

// Error is the pipeline and the reason.
func (e *ConfigError) Error() string {
	if e.Pipeline == "" {
		return e.Reason
	}
	return "pipeline " + e.Pipeline + ": " + e.Reason
}

// ExitCode is 2: the operator has to change something first.
func (e *ConfigError) ExitCode() int { return 2 }

// Desired is the journaled configuration that hefu.yaml asks for, given the one in
// force (nil before the first): time zone, format, hub, shards and table are fixed for
// a pipeline's life; sources are added, ended, and taken up again where they ended.
// hubPartitions is what the broker says now; it counts at the first start only. No city is
// asked: what a pattern finds is added by Discovered. Errors: *ConfigError.
func Desired(c *config.Pipeline, now *domain.PipelineConfig, hubPartitions int32) (*domain.PipelineConfig, error) {
	want := &domain.PipelineConfig{
		Timezone: c.Timezone, Format: c.Hub.Format.Domain(), Direct: c.ReadHub != nil, HubTopic: c.Hub.Topic,
		HubPartitions: hubPartitions, Shards: c.Shards,
	}
	if c.Doris != nil {
		want.Table = c.Doris.Database + "." + c.Doris.Table
	}
	if now != nil {
		want.HubPartitions = now.HubPartitions
		if err := fixed(c.Name, now, want); err != nil {
			return nil, err
		}
		want.Sources = slices.Clone(now.Sources)
	}
	if int32(want.Shards) > want.HubPartitions {
		return nil, &ConfigError{c.Name, fmt.Sprintf("shards is %d and the hub topic %s has %d partitions: at most one shard a partition",
			want.Shards, want.HubTopic, want.HubPartitions)}
	}
	return want, sources(c, want)
}

func fixed(pipeline string, now, want *domain.PipelineConfig) error {
	var diff []string
	for _, f := range []struct {
		key       string
		now, want any
	}{
		{"timezone", now.Timezone, want.Timezone},
		{"read_hub", now.Direct, want.Direct},
		{"hub.format", fmt.Sprintf("%+v", now.Format), fmt.Sprintf("%+v", want.Format)},
		{"hub.topic", now.HubTopic, want.HubTopic},
		{"shards", now.Shards, want.Shards},
		{"doris.database and doris.table", now.Table, want.Table},
	} {
		if f.now != f.want {
			diff = append(diff, fmt.Sprintf("%s is %v for this pipeline's life and %v in the file", f.key, f.now, f.want))
		}
	}
	if len(diff) == 0 {
		return nil
	}
	return &ConfigError{pipeline, strings.Join(diff, "; ") + "; make a new pipeline and replay into it"}
}

// configured is the event for a configuration, nil when it is the one in force.
func configured(want *domain.PipelineConfig, now *domain.PipelineConfigured) *domain.PipelineConfigured {
	digest := journal.ConfigDigest(want)
	if now != nil && now.Digest == digest {
		return nil
	}
	return &domain.PipelineConfigured{Digest: digest, Config: *want}
}
