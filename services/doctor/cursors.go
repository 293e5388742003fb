package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/embedded"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// cursors is how far each source partition is journaled.
type cursors struct {
	from string // who said so; empty: nobody
	next map[sourceKey]map[int32]int64
	// running is the instance that answered at the API, empty for none.
	running string
	locked  bool // a process holds the embedded store, whether it answers or not
}

type sourceKey struct{ pipeline, source string }

// apiPatience bounds the question to the running hefu, which is on this host.
const apiPatience = 5 * time.Second

// askCursors asks the running hefu, and without one reads the tails of the journal. The
// embedded store is opened for that moment only, and only where there is one already: a
// hefu that starts just then finds it in use.
func askCursors(ctx context.Context, cfg *config.Config, api string) cursors {
	c := cursors{next: map[sourceKey]map[int32]int64{}}
	if c.askAPI(ctx, api) {
		return c
	}
	if !storeIsThere(cfg) {
		return c // opening would make it
	}
	ctx, cancel := context.WithTimeout(ctx, 2*apiPatience)
	defer cancel()
	log := slog.New(slog.DiscardHandler)
	store, err := pipeline.OpenStore(ctx, withoutPlace(cfg), log)
	if err != nil {
		c.locked = errors.Is(err, embedded.ErrLocked)
		return c // the journal's own checks say what is wrong with it
	}
	defer store.Close() // nothing was written
	for i := range cfg.Pipelines {
		name := cfg.Pipelines[i].Name
		if _, known := store.Manifest.Journal(name); !known {
			continue // opening would make it
		}
		j, err := store.OpenJournal(ctx, cfg, name, log)
		if err == nil {
			err = c.read(ctx, j, name)
		}
		if err == nil {
			c.from = "the journal"
		}
	}
	return c
}

// read takes the position maps at the ends of a pipeline's ingest streams.
func (c *cursors) read(ctx context.Context, j *journal.Journal, name string) error {
	control, err := j.OpenControl(ctx)
	if err != nil {
		return err
	}
	shards := 0
	control.State(func(s *domain.ControlState) {
		if s.Config != nil {
			shards = s.Config.Config.Shards
		}
	})
	for shard := range shards {
		tail, err := j.Tail(ctx, domain.Stream{Pipeline: name, Shard: shard, Leg: domain.LegIngest})
		if errors.Is(err, journal.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		for _, p := range domain.PositionsOf(tail.Event) {
			c.put(sourceKey{name, string(p.Source)}, p.Partition, p.Next)
		}
	}
	return nil
}

func (c *cursors) put(key sourceKey, partition int32, next int64) {
	if c.next[key] == nil {
		c.next[key] = map[int32]int64{}
	}
	c.next[key][partition] = next // of several generations the newest, which comes last
}

// apiStatus is what of GET /v1/status matters here.
type apiStatus struct {
	Instance  string `json:"instance"`
	Pipelines []struct {
		Name    string `json:"name"`
		Sources []struct {
			Source     string `json:"source"`
			Partitions []struct {
				Partition int32 `json:"partition"`
				Next      int64 `json:"next"`
			} `json:"partitions"`
		} `json:"sources"`
	} `json:"pipelines"`
}

// askAPI asks the running hefu and reports whether there is one.
func (c *cursors) askAPI(ctx context.Context, api string) bool {
	s, err := getStatus(ctx, api)
	if err != nil {
		return false
	}
	c.from, c.running = "the running hefu", s.Instance
	for _, p := range s.Pipelines {
		for _, src := range p.Sources {
			for _, part := range src.Partitions {
				c.put(sourceKey{p.Name, src.Source}, part.Partition, part.Next)
			}
		}
	}
	return true
}

func getStatus(ctx context.Context, api string) (*apiStatus, error) {
	if api == "" {
		return nil, errors.New("no address of an API")
	}
	ctx, cancel := context.WithTimeout(ctx, apiPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api+"/v1/status", nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	s := new(apiStatus)
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status of the running hefu: %s", resp.Status)
	}
	return s, json.NewDecoder(io.LimitReader(resp.Body, 64<<20)).Decode(s)
}
