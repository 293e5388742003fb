package journal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// Manifest remembers, outside the store, which journals and streams were made, so
// that a missing one is never silently made again.
type Manifest interface {
	// Journal is the id of a pipeline's journal, false when none was made.
	Journal(pipeline string) (domain.JournalID, bool)
	// HasStream reports whether a stream was made.
	HasStream(s domain.Stream) bool
	// Record remembers a stream of a journal; durable when it returns.
	Record(id domain.JournalID, s domain.Stream) error
}

// Options of a journal.
type Options struct {
	Store        Store
	Manifest     Manifest // nil: nothing is remembered (tests)
	SegmentBytes int64    // a segment is rolled at this size; 0: 1 GiB
	// TailBytes of each ingest stream that this process writes are kept in memory for
	// its own readers; 0: they read everything from the store. An appended event then
	// must not change any more, ever.
	TailBytes int
	// RegressedAfter is how long an acknowledged event may be missing before the
	// journal counts as regressed; 0: 30 s (architecture.md).
	RegressedAfter time.Duration
	Now            func() time.Time // nil: time.Now
	// Anchors of control are demanded before anything is made or appended (Check), of the
	// others that they name this journal: with any, a missing one is not made anew.
	Anchors []Anchor
	Log     *slog.Logger // nil: silent
}

// Journal is one pipeline's journal. It may be used by many goroutines.
type Journal struct {
	o        Options
	pipeline string
	id       domain.JournalID

	mu       sync.Mutex
	segments map[domain.Stream][]Segment // as last listed
	tails    map[domain.Stream]*tail
	known    map[domain.Stream]*known
}

// Open finds a pipeline's journal in its store, or makes it: control's Genesis
// chooses the journal id, and whoever loses the race to make it adopts it. Errors:
// ErrMissing, ErrAnotherJournal, *BreachError.
func Open(ctx context.Context, pipeline string, o Options) (*Journal, error) {
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 1 << 30
	}
	if o.RegressedAfter <= 0 {
		o.RegressedAfter = 30 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Manifest == nil {
		o.Manifest = forgetful{}
	}
	j := &Journal{o: o, pipeline: pipeline, segments: map[domain.Stream][]Segment{}, tails: map[domain.Stream]*tail{}, known: map[domain.Stream]*known{}}
	if _, err := rand.Read(j.id[:]); err != nil {
		return nil, fmt.Errorf("choose a journal id: %w", err)
	}
	known, isKnown := o.Manifest.Journal(pipeline)
	if isKnown {
		j.id = known
	}
	s := domain.ControlStream(pipeline)
	if err := j.recognize(ctx, s, known, isKnown); err != nil {
		return nil, fmt.Errorf("open journal of pipeline %s: %w", pipeline, err)
	}
	h, err := j.begin(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("open journal of pipeline %s: %w", pipeline, Damaged(err))
	}
	j.id = h.tail.Journal
	if err := o.Manifest.Record(j.id, s); err != nil {
		return nil, err
	}
	return j, nil
}

// recognize demands, before anything is made, that what the store holds is the journal that
// the manifest and the anchors know, if they know one.
func (j *Journal) recognize(ctx context.Context, s domain.Stream, known domain.JournalID, isKnown bool) error {
	if !isKnown && len(j.o.Anchors) == 0 {
		return nil
	}
	h, err := j.head(ctx, s)
	switch {
	case err != nil:
		return Damaged(err)
	case h.tail == nil && len(j.o.Anchors) > 0:
		a := j.o.Anchors[0]
		return fmt.Errorf("%w: %s knows journal %s, and the store has none of this pipeline; put the store back, nothing was made anew", ErrMissing, a.Where, a.Journal)
	case h.tail == nil:
		return nil // begin says that it is missing
	case isKnown && h.tail.Journal != known:
		return fmt.Errorf("%w: the store holds %s, the manifest says %s; put the store back that belongs to this data directory, nothing was written",
			ErrAnotherJournal, h.tail.Journal, known)
	}
	j.id = h.tail.Journal
	for _, a := range j.o.Anchors {
		if a.Journal != j.id || a.Ref.Stream == s {
			if err := j.Check(ctx, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// ID is the journal's id.
func (j *Journal) ID() domain.JournalID { return j.id }

// Pipeline is the pipeline's name.
func (j *Journal) Pipeline() string { return j.pipeline }

// Now is the journal's clock in the unit of events.
func (j *Journal) Now() domain.Micros { return domain.Micros(j.o.Now().UnixMicro()) }

// Size is the number of bytes that the journal takes in its store.
func (j *Journal) Size(ctx context.Context) (int64, error) { return j.o.Store.Size(ctx, j.pipeline) }

// Attest compares the settings of the journal's segments with what they must be.
// Errors: ErrDrift.
func (j *Journal) Attest(ctx context.Context) error { return j.o.Store.Attest(ctx, j.pipeline) }

// Exists reports whether a stream has a Genesis.
func (j *Journal) Exists(ctx context.Context, s domain.Stream) (bool, error) {
	_, err := j.Tail(ctx, s)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Tail reads the last event of a stream. Errors: ErrNotFound for a stream that does
// not exist yet.
func (j *Journal) Tail(ctx context.Context, s domain.Stream) (*Entry, error) {
	h, err := j.head(ctx, s)
	if err != nil {
		return nil, err
	}
	if h.tail == nil {
		return nil, fmt.Errorf("tail of %s: %w", s, ErrNotFound)
	}
	return h.tail, nil
}

// Get reads one event by its seq. Errors: ErrNotFound, which is a *BreachError when the
// stream has later events; *IntegrityError.
func (j *Journal) Get(ctx context.Context, s domain.Stream, seq domain.Seq) (*Entry, error) {
	var e *Entry
	err := j.patient(ctx, func() (err error) {
		e, err = j.get(ctx, s, seq)
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		tail, terr := j.Tail(ctx, s)
		if terr == nil && tail.Seq > seq {
			return fmt.Errorf("get %s@%d: %w", s, seq, j.hole(s, seq, "the stream goes on to %d", tail.Seq))
		}
		return err
	})
	return e, err
}

func (j *Journal) get(ctx context.Context, s domain.Stream, seq domain.Seq) (*Entry, error) {
	stored, err := j.stored(ctx, s, seq)
	if err != nil {
		return nil, fmt.Errorf("get %s@%d: %w", s, seq, err)
	}
	return j.check(stored, s, seq)
}

// stored reads an event's bytes. The list of segments is kept, and made again when
// the event is not where it says: the last segment may have been rolled since.
func (j *Journal) stored(ctx context.Context, s domain.Stream, seq domain.Seq) ([]byte, error) {
	j.mu.Lock()
	known := j.segments[s]
	j.mu.Unlock()
	if first, ok := segmentAt(known, seq); ok {
		stored, err := j.o.Store.Get(ctx, s, first, seq)
		if !errors.Is(err, ErrNotFound) {
			return stored, err
		}
	}
	list, err := j.list(ctx, s)
	if err != nil {
		return nil, err
	}
	first, ok := segmentAt(list, seq)
	if !ok {
		return nil, ErrNotFound
	}
	return j.o.Store.Get(ctx, s, first, seq)
}

// list asks the store for the segments of a stream and keeps the answer.
func (j *Journal) list(ctx context.Context, s domain.Stream) ([]Segment, error) {
	list, err := j.o.Store.Segments(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("list segments of %s: %w", s, err)
	}
	j.mu.Lock()
	j.segments[s] = list
	j.mu.Unlock()
	return list, nil
}

// segmentAt finds the segment that holds a seq, or will; false when there is none or
// it was dropped.
func segmentAt(list []Segment, seq domain.Seq) (first domain.Seq, ok bool) {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].First <= seq {
			return list[i].First, true
		}
	}
	return 0, false
}

// check decodes a stored event and demands that it is the one that was asked for.
func (j *Journal) check(stored []byte, s domain.Stream, seq domain.Seq) (*Entry, error) {
	e, err := Decode(stored)
	var unknown *UnknownKindError
	switch {
	case errors.As(err, &unknown):
		if unknown.Format != FormatVersion {
			unknown.Stream, unknown.Seq = s, seq
		}
		if unknown.Stream != s || unknown.Seq != seq {
			return nil, &IntegrityError{Stream: s, Seq: seq, What: fmt.Sprintf("holds %s@%d", unknown.Stream, unknown.Seq)}
		}
		return nil, unknown
	case errors.Is(err, ErrMalformed):
		return nil, &IntegrityError{Stream: s, Seq: seq, What: err.Error()}
	case err != nil:
		return nil, err
	case e.Stream != s || e.Seq != seq:
		return nil, &IntegrityError{Stream: s, Seq: seq, What: fmt.Sprintf("holds %s@%d", e.Stream, e.Seq)}
	case e.Journal != j.id:
		return nil, &IntegrityError{Stream: s, Seq: seq, What: fmt.Sprintf("belongs to journal %s, this one is %s", e.Journal, j.id)}
	}
	return e, nil
}

type forgetful struct{}

func (forgetful) Journal(string) (domain.JournalID, bool)      { return domain.JournalID{}, false }
func (forgetful) HasStream(domain.Stream) bool                 { return false }
func (forgetful) Record(domain.JournalID, domain.Stream) error { return nil }
