package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// Anchor is what somebody outside of a stream remembers of it: that this event is in it.
type Anchor struct {
	Journal domain.JournalID
	Ref     domain.Ref
	Where   string // who remembers, for people: "the file /var/lib/hefu/checkpoints"
	// Holds decides whether an event is the one that is remembered, where its hash itself is
	// not: of a tree. Nil: Ref.Hash does.
	Holds func(domain.Hash) (bool, error)
}

// Breach is what is wrong with a journal. Each is said in words of its own.
type Breach string

// The breaches.
const (
	BreachRegressed Breach = "regressed" // its end is before an event that was stored
	BreachRewritten Breach = "rewritten" // another event stands where one was stored
	BreachHole      Breach = "hole"      // events before its end are not in the store, and were not dropped into an archive
	BreachForeign   Breach = "foreign"   // it is another journal
	BreachDamaged   Breach = "damaged"   // what is stored does not read as an event of this place
)

// BreachError says that the journal is not what it was. Nothing is appended to it any more.
type BreachError struct {
	What   Breach
	Anchor Anchor // what was looked for; of a hole or a damage the place only
	Found  string
	cause  error // of a damage
}

func breach(what Breach, a Anchor, found string, args ...any) *BreachError {
	return &BreachError{What: what, Anchor: a, Found: fmt.Sprintf(found, args...)}
}

// hole is the breach that the event at a seq is missing.
func (j *Journal) hole(s domain.Stream, at domain.Seq, found string, args ...any) error {
	return breach(BreachHole, Anchor{Journal: j.id, Ref: domain.Ref{Stream: s, Seq: at}}, found, args...)
}

// Error says what happened, where, and what to do.
func (e *BreachError) Error() string {
	at := fmt.Sprintf("%s@%d", e.Anchor.Ref.Stream, e.Anchor.Ref.Seq)
	switch e.What {
	case BreachRegressed:
		return fmt.Sprintf("journal regressed: %s was stored, as %s says, and %s: the journal is an older copy, or its end was lost. "+
			"Nothing is appended to it. Keep the files of every node, put the journal back that has this event, and start again", at, e.Anchor.Where, e.Found)
	case BreachRewritten:
		return fmt.Sprintf("journal rewritten: %s is another event than was stored, as %s says: %s. "+
			"Nothing is appended to it. Keep the files of every node, put the journal back that has this event, and start again", at, e.Anchor.Where, e.Found)
	case BreachHole:
		return fmt.Sprintf("journal has a hole: %s is missing, though later events are there, and no archive took it: %s. "+
			"Nothing is appended to it. Keep the files of every node, put the missing segment back from a copy, and start again", at, e.Found)
	case BreachForeign:
		return fmt.Sprintf("another journal: %s names %s of journal %s, and %s. Nothing is appended to it. Put the journal back that belongs here; "+
			"if this one is to begin anew, give it targets of its own (another hub topic and progress topic, another table)", e.Anchor.Where, at, e.Anchor.Journal, e.Found)
	default:
		return fmt.Sprintf("journal damaged: %s does not read as it was stored: %s. "+
			"Nothing is appended to it. Keep the files of every node, put a sound copy of the journal back, and start again", at, e.Found)
	}
}

// Unwrap is the *IntegrityError of a damage.
func (e *BreachError) Unwrap() error { return e.cause }

// Is makes a missing event also ErrNotFound, and a lost end ErrRegressed.
func (e *BreachError) Is(target error) bool {
	switch target {
	case ErrNotFound:
		return e.What == BreachRegressed || e.What == BreachHole
	case ErrRegressed:
		return e.What == BreachRegressed
	default:
		return false
	}
}

// Damaged makes the BreachError of an *IntegrityError; other errors, and nil, stay as they
// are.
func Damaged(err error) error {
	var broken *IntegrityError
	var already *BreachError
	if !errors.As(err, &broken) || errors.As(err, &already) {
		return err
	}
	e := breach(BreachDamaged, Anchor{Ref: domain.Ref{Stream: broken.Stream, Seq: broken.Seq}}, "%s", broken.What)
	e.cause = err
	return e
}

// Check demands that each anchor is an event of this journal. It costs a read for each, and
// for each stream. An event that is gone may just be late, as with a leader that was elected
// a moment ago: it is looked for as long as Options.RegressedAfter. What is found to be
// there, Takeover demands from then on. Errors: *BreachError, or that the store does not
// answer.
func (j *Journal) Check(ctx context.Context, anchors ...Anchor) error {
	for _, a := range anchors {
		err := j.patient(ctx, func() (err error) {
			a.Ref.Hash, err = j.anchored(ctx, a)
			return err
		})
		if err != nil {
			return Damaged(err)
		}
		j.remember(a)
	}
	return nil
}

// anchored looks for one anchor, once, and gives the hash that its event has.
func (j *Journal) anchored(ctx context.Context, a Anchor) (domain.Hash, error) {
	if a.Journal != j.id {
		return a.Ref.Hash, breach(BreachForeign, a, "the store holds journal %s", j.id)
	}
	h, err := j.head(ctx, a.Ref.Stream)
	switch {
	case err != nil:
		return a.Ref.Hash, err
	case h.tail == nil:
		return a.Ref.Hash, breach(BreachRegressed, a, "the stream is empty")
	case h.tail.Seq < a.Ref.Seq:
		return a.Ref.Hash, breach(BreachRegressed, a, "the stream ends at %d", h.tail.Seq)
	}
	e := h.tail
	if e.Seq != a.Ref.Seq {
		e, err = j.get(ctx, a.Ref.Stream, a.Ref.Seq)
		if errors.Is(err, ErrNotFound) {
			return a.Ref.Hash, breach(BreachHole, a, "%s says that it was stored, and the stream goes on to %d", a.Where, h.tail.Seq)
		}
		if err != nil {
			return a.Ref.Hash, err
		}
	}
	holds := e.Hash == a.Ref.Hash
	if a.Holds != nil {
		if holds, err = a.Holds(e.Hash); err != nil {
			return a.Ref.Hash, err
		}
	}
	switch {
	case holds:
		return e.Hash, nil
	case a.Holds != nil:
		return a.Ref.Hash, breach(BreachRewritten, a, "it has not the event with hash %s", e.Hash)
	default:
		return a.Ref.Hash, breach(BreachRewritten, a, "its hash was %s, and the store's has %s", a.Ref.Hash, e.Hash)
	}
}

// patient does something until it finds nothing missing, or what it finds has been missing
// for long enough to be gone.
func (j *Journal) patient(ctx context.Context, look func() error) error {
	var since time.Time
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := look()
		var breach *BreachError
		if !errors.As(err, &breach) || !errors.Is(err, ErrNotFound) {
			return err
		}
		now := time.Now()
		if since.IsZero() {
			since = now
		}
		if now.Sub(since) >= j.o.RegressedAfter {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(min(wait, j.o.RegressedAfter)):
		}
	}
}

// Whole demands that no event before a stream's end is missing, but those that were dropped
// into an archive, up to and including the seq dropped. It lists the segments and reads the
// end of each. Errors: *BreachError, ErrMissing, or that the store does not answer.
func (j *Journal) Whole(ctx context.Context, s domain.Stream, dropped domain.Seq) error {
	return j.patient(ctx, func() error { return j.whole(ctx, s, dropped) })
}

func (j *Journal) whole(ctx context.Context, s domain.Stream, dropped domain.Seq) error {
	list, err := j.list(ctx, s)
	if err != nil {
		return err
	}
	if len(list) == 0 && j.o.Manifest.HasStream(s) {
		return j.missing(s)
	}
	next := dropped + 1
	for i, g := range list {
		if g.First <= dropped {
			continue // the archive's: whoever reads it checks it
		}
		if g.First != next {
			return j.hole(s, next, "the next segment begins at %d", g.First)
		}
		if g.Next > 0 && g.Events != int64(g.Next-g.First) {
			return j.hole(s, g.First, "the segment that begins here ends before %d and has %d events", g.Next, g.Events)
		}
		if i == len(list)-1 {
			return nil
		}
		stored, err := j.o.Store.Last(ctx, s, g.First)
		if errors.Is(err, ErrNotFound) {
			return j.hole(s, g.First, "the segment that begins here is empty, and another follows it")
		}
		if err != nil {
			return fmt.Errorf("end of segment %s/%d: %w", s, g.First, err)
		}
		e, err := j.checkTail(stored, s, g.First)
		if err != nil {
			return Damaged(err)
		}
		if _, rolled := e.Event.(*domain.Rolled); !rolled {
			return j.hole(s, e.Seq+1, "the segment before it was not closed here")
		}
		next = e.Seq + 1
	}
	return nil
}
