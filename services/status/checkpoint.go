package status

import (
	"time"

	"github.com/hefu-io/hefu/projections"
)

// Checkpoint is what is signed of a pipeline's journal.
type Checkpoint struct {
	Key      string            `json:"public_key" doc:"verifies what is signed from now on"`
	At       time.Time         `json:"at" doc:"of the newest checkpoint, or when the process began without one"`
	Unsigned int64             `json:"unsigned_events" doc:"events since"`
	Through  map[string]uint64 `json:"through" doc:"seq of the last signed event of each stream"`
	Anchored string            `json:"anchored" doc:"who outside of this host knows the newest checkpoint"`
}

// notAnchored is what a pipeline without a hub leg says.
const notAnchored = "not anchored outside this host: if everything on it were put back from an older copy, nobody would tell"

func checkpointReport(c projections.CheckpointStatus) *Checkpoint {
	r := &Checkpoint{Key: c.Key, At: c.At, Unsigned: c.Unsigned, Through: map[string]uint64{}}
	for _, ref := range c.Heads {
		r.Through[ref.Stream.String()] = uint64(ref.Seq)
	}
	switch {
	case !c.Outside:
		r.Anchored = notAnchored
	case c.Told.IsZero():
		r.Anchored = "the hub was not told yet"
	default:
		r.Anchored = "in the hub since " + c.Told.UTC().Format(time.RFC3339)
	}
	if c.Error != "" {
		r.Anchored += "; trying again after: " + c.Error
	}
	return r
}
