package checkpoint

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// keeper keeps the trees of one pipeline, as far as this process writes it, and signs them.
type keeper struct {
	o        *pipeline.Open
	role     pipeline.Role
	dataDir  string
	key      *checkpoint.Key
	file     *shared
	others   bystander    // of the streams that other processes write
	witness  *hub.Witness // nil: the pipeline writes nothing to the hub
	log      *slog.Logger
	events   int64
	interval time.Duration

	mu       sync.Mutex // all of the following
	branches []*branch
	joined   map[domain.Stream]bool // those that have a branch, here or in others
	at       time.Time              // of the last checkpoint, or the beginning
	behind   bool                   // the last one is not written everywhere
	said     time.Time              // when control was told last
	sayNow   bool                   // it is told with the next one
	trouble  string                 // what was logged last, empty for nothing
	heard    heard

	shown atomic.Pointer[projections.CheckpointStatus]

	news chan struct{} // of size 1: there is something to tell the hub
}

// heard is what came of telling the hub.
type heard struct {
	at    time.Time // zero: it was told nothing yet
	error string    // of the last try
}

func newKeeper(ctx context.Context, c *config.Config, role pipeline.Role, o *pipeline.Open, key *checkpoint.Key, file *shared, log *slog.Logger) (*keeper, error) {
	k := &keeper{
		o: o, role: role, dataDir: c.DataDir, key: key, file: file, log: log.With("pipeline", o.Config.Name),
		joined: map[domain.Stream]bool{}, at: time.Now(), news: make(chan struct{}, 1),
		events: int64(c.Journal.Checkpoint.Events), interval: c.Journal.Checkpoint.Interval,
	}
	defaults := config.Default().Journal.Checkpoint
	if k.events <= 0 {
		k.events = int64(defaults.Events)
	}
	if k.interval <= 0 {
		k.interval = defaults.Interval
	}
	if o.Has(domain.LegHub) {
		k.witness = hub.NewWitness(hub.Config{Kafka: o.Config.Hub.Config, ProgressTopic: o.Config.Hub.ProgressTopic}, o.Incarnation)
	}
	k.others = bystander{key: key, control: o.Control}
	if err := k.join(ctx); err != nil {
		k.close(ctx)
		return nil, err
	}
	k.adopt()
	k.otherKey(ctx)
	k.show()
	return k, nil
}

// otherKey says that what was signed so far was signed with another key.
func (k *keeper) otherKey(ctx context.Context) {
	for _, b := range k.branches {
		if b.signed.Key != "" && b.signed.Key != k.key.VerifierKey() {
			k.log.WarnContext(ctx, "another key signs from now on than before: whoever verifies needs both public keys",
				"public_key", k.key.VerifierKey(), "before", b.signed.Key, "stream", b.stream.String())
			return
		}
	}
}

// adopt takes what control has of newer heads: of another process, or from before the file.
func (k *keeper) adopt() {
	id := k.o.Journal.ID()
	k.o.Control.State(func(s *domain.ControlState) {
		for _, b := range k.branches {
			if h := s.Heads[b.stream]; h.Ref.Seq > b.signed.Ref.Seq {
				b.signed = checkpoint.Kept{Key: s.Signed[b.stream], Head: checkpoint.Head{Journal: id, Ref: h.Ref, Root: h.Root, Note: h.Note}}
			}
		}
	})
}

// run makes the trees grow, and signs them when it is due, until the context ends (nil) or
// the journal is not what it was.
func (k *keeper) run(ctx context.Context) error {
	tick := time.NewTicker(min(200*time.Millisecond, k.interval/4))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		k.mu.Lock()
		err := k.step(ctx)
		k.mu.Unlock()
		if err := k.judge(ctx, err); err != nil {
			return err
		}
	}
}

func (k *keeper) step(ctx context.Context) error {
	defer k.show()
	if err := errors.Join(k.join(ctx), k.take()); err != nil {
		return err
	}
	n := k.unsigned()
	if n < k.events && (n == 0 && !k.behind || time.Since(k.at) < k.interval) {
		return nil
	}
	return k.checkpoint(ctx, k.awake())
}

// take makes the trees grow by what this process appended, which costs no question.
func (k *keeper) take() error {
	for _, b := range k.branches {
		if err := b.take(); err != nil {
			return err
		}
	}
	return nil
}

// unsigned counts the events that no head covers. A checkpoint is an event of control, and
// does not make another one due.
func (k *keeper) unsigned() (n int64) {
	var news domain.Seq
	k.o.Control.State(func(s *domain.ControlState) { news = s.News })
	for _, b := range k.branches {
		end := b.last.Seq
		if b.stream.Leg == domain.LegControl {
			end = min(end, news)
		}
		if end > b.signed.Ref.Seq {
			n += int64(end - b.signed.Ref.Seq)
		}
	}
	return n
}

// perEvent is how many intervals lie between two checkpoints on control, which is never dropped
// and is read whole at each start: ten minutes, by default. File and hub have every one.
const perEvent = 60

// checkpoint signs streams as they are now and says so: into the file, a moment later to the
// hub, and now and then on control. What cannot be written somewhere is written there
// with the next one; a head that was signed is not taken back.
func (k *keeper) checkpoint(ctx context.Context, branches []*branch) error {
	k.adopt()
	fresh := 0
	for _, b := range branches {
		if err := b.grow(ctx); err != nil {
			return err
		}
		h, err := b.sign(k.key)
		if err != nil {
			return err
		}
		if h != nil {
			b.signed = *h
			fresh++
		}
	}
	k.at = time.Now()
	if fresh == 0 && !k.behind && !k.sayNow {
		return nil
	}
	select {
	case k.news <- struct{}{}:
	default:
	}
	crash.Point("checkpoint.file.before")
	err := k.file.put(headsOf(k.branches)...)
	crash.Point("checkpoint.file.after")
	if k.sayNow || time.Since(k.said) >= perEvent*k.interval {
		serr := k.say(ctx)
		crash.Point("checkpoint.control.after")
		if k.sayNow = serr != nil; !k.sayNow {
			k.said = time.Now()
		}
		err = errors.Join(err, serr)
	}
	k.behind = err != nil
	return err
}

// say puts the heads on control that are newer than those there. Another process may have
// signed control up to a later event meanwhile.
func (k *keeper) say(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, k.interval+5*time.Second)
	defer cancel()
	_, err := k.o.Control.Append(ctx, func(s *domain.ControlState) (domain.Event, error) {
		ev := &domain.Checkpoint{Incarnation: k.o.Incarnation, Key: k.key.VerifierKey()}
		for _, h := range headsOf(k.branches) {
			if h.Key == ev.Key && h.Ref.Seq > s.Heads[h.Ref.Stream].Ref.Seq {
				ev.Heads = append(ev.Heads, h.TreeHead())
			}
		}
		if len(ev.Heads) == 0 {
			return nil, nil
		}
		return ev, nil
	})
	return err
}

// now signs what is there at this moment, and gives what a report has of it.
func (k *keeper) now(ctx context.Context) ([]checkpoint.Kept, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := errors.Join(k.join(ctx), k.take()); err != nil {
		return nil, err
	}
	said := make([]checkpoint.Kept, len(k.branches)) // before this process says something newer
	var unread error
	for i, b := range k.branches {
		var err error
		said[i], err = b.said(k.o.Control)
		unread = errors.Join(unread, err)
	}
	k.sayNow = true // somebody is about to build on it
	if err := k.checkpoint(ctx, k.branches); err != nil || unread != nil {
		return nil, errors.Join(err, unread)
	}
	var out []checkpoint.Kept
	for i, b := range k.branches {
		if err := b.follows(said[i]); err != nil {
			return nil, err
		}
		heads, err := b.heads(said[i], k.key)
		if err != nil {
			return nil, err
		}
		out = append(out, heads...)
	}
	return out, nil
}

// judge gives an error back when the process must end over it: the journal, or a tree, is not
// what was signed. Of the journal an incident says so, if control is sound. Everything else
// is tried again, and said once.
func (k *keeper) judge(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it was told to stop in the middle of it; last says what is missing
	}
	var ends interface{ ExitCode() int }
	in := projections.Unsound(domain.ControlStream(k.o.Config.Name), err)
	switch {
	case in != nil:
		if _, derr := k.o.Incidents.Decide(ctx, in); derr != nil && !errors.Is(derr, in) {
			err = errors.Join(err, derr)
		}
		return &projections.Refusal{Reason: journal.Damaged(err).Error()}
	case errors.As(err, &ends):
		return err
	case err == nil:
		k.trouble = ""
	case err.Error() != k.trouble:
		k.trouble = err.Error()
		k.log.WarnContext(ctx, "checkpoint is not written everywhere, the next one will be", "error", err)
	}
	return nil
}

// lastMoments is how long the last checkpoint of a process may take.
const lastMoments = 5 * time.Second

// last signs what a clean end left, and tells the hub.
func (k *keeper) last(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastMoments)
	defer cancel()
	k.mu.Lock()
	err := errors.Join(k.join(ctx), k.take())
	if k.sayNow = true; err == nil {
		err = k.checkpoint(ctx, k.awake())
	}
	if err == nil {
		err = k.take() // the checkpoint itself, which nothing else remembers
	}
	k.mu.Unlock()
	if err == nil {
		err = k.tellAll(ctx)
	}
	if err != nil && !errors.Is(err, hub.ErrNoProgressTopic) {
		k.log.WarnContext(ctx, "last checkpoint is not written everywhere; the next start signs what it misses", "error", err)
	}
}

func (k *keeper) close(ctx context.Context) {
	if k.witness != nil {
		k.witness.Close()
	}
	if err := k.others.close(); err != nil {
		k.log.WarnContext(ctx, "tree of another process's stream was not closed well; its end is looked at when it is opened", "error", err)
	}
	for _, b := range k.branches {
		if err := b.tree.Close(); err != nil {
			k.log.WarnContext(ctx, "tree was not closed well; its end is looked at when it is opened", "stream", b.stream.String(), "error", err)
		}
	}
}
