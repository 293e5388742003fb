package checkpoint

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/hub"
)

// tell tells the hub whenever something new is signed, and again after an error, until the
// context ends. A hub that is slow holds up no tree.
func (k *keeper) tell(ctx context.Context) error {
	if k.witness == nil {
		return nil
	}
	retry := time.NewTimer(k.interval)
	defer retry.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-k.news:
		case <-retry.C:
		}
		err := k.tellAll(ctx)
		switch {
		case err == nil:
			said = ""
			retry.Stop()
			continue
		case ctx.Err() != nil:
			return nil
		case !errors.Is(err, hub.ErrNoProgressTopic) && err.Error() != said:
			said = err.Error()
			k.log.WarnContext(ctx, "hub was not told the checkpoint, trying again", "error", err)
		}
		retry.Reset(k.interval)
	}
}

// tellAll tells the hub the newest heads: for each shard those of its streams, and control's.
// It is called by one goroutine at a time.
func (k *keeper) tellAll(ctx context.Context) error {
	if k.witness == nil {
		return nil
	}
	k.mu.Lock()
	all := headsOf(k.awake())
	k.mu.Unlock()
	if len(all) == 0 {
		return nil
	}
	var err error
	for _, shard := range k.o.Shards {
		var heads []checkpoint.Kept
		for _, h := range all {
			if h.Ref.Stream.Leg == domain.LegControl || h.Ref.Stream.Shard == shard {
				heads = append(heads, h)
			}
		}
		if err = k.witness.Tell(ctx, shard, heads); err != nil {
			break
		}
		crash.Point("checkpoint.hub.after")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	defer k.show()
	k.heard.error = ""
	if err != nil {
		k.heard.error = err.Error()
		return err
	}
	k.heard.at = time.Now()
	return nil
}

// status is what the board shows. Whoever looks does not wait for a checkpoint.
func (k *keeper) status() projections.CheckpointStatus { return *k.shown.Load() }

func (k *keeper) show() {
	out := projections.CheckpointStatus{
		Pipeline: k.o.Config.Name, Key: k.key.VerifierKey(), At: k.at, Unsigned: k.unsigned(),
		Outside: k.witness != nil, Told: k.heard.at, Error: k.heard.error,
	}
	for _, h := range headsOf(k.awake()) {
		out.Heads = append(out.Heads, h.Ref)
	}
	k.shown.Store(&out)
}

// shared is the file of all pipelines of a process.
type shared struct {
	mu   sync.Mutex
	file *checkpoint.File
}

func openShared(path string) (*shared, error) {
	f, err := checkpoint.OpenFile(path)
	return &shared{file: f}, err
}

func (s *shared) heads() map[domain.Stream]checkpoint.Kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[domain.Stream]checkpoint.Kept{}
	for _, h := range s.file.Heads() {
		out[h.Ref.Stream] = h
	}
	return out
}

func (s *shared) put(heads ...checkpoint.Kept) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file.Put(heads...)
}
