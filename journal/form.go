package journal

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
)

// FormatVersion is the first byte of every stored event.
const FormatVersion = 1

// kindVersion is the version of every kind's body in this release. A kind whose
// body changes gets a number of its own here.
const kindVersion = 1

// Entry is one event as it stands in the journal.
type Entry struct {
	Journal domain.JournalID
	Stream  domain.Stream
	Seq     domain.Seq
	Prev    domain.Hash   // of the event before; zero for Genesis
	At      domain.Micros // when its writer made it, by the writer's clock; never before the event before it
	Hash    domain.Hash   // SHA-256 of the stored bytes
	Size    int           // stored bytes
	Event   domain.Event
}

// Ref is the entry's place with its hash.
func (e *Entry) Ref() domain.Ref {
	return domain.Ref{Stream: e.Stream, Seq: e.Seq, Hash: e.Hash}
}

// ErrMalformed is returned for stored bytes that are no event: damaged, or not
// written by Hefu. A reader stops there; it never skips.
var ErrMalformed = errors.New("stored event is malformed")

// UnknownKindError is returned for an event of a later release. A reader stops
// there: an event that it does not understand may change what all others mean. Of
// an unknown format not even the stream and seq can be read; whoever asked for the
// event fills them in.
type UnknownKindError struct {
	Stream  domain.Stream
	Seq     domain.Seq
	Kind    domain.Kind
	Version uint64
	Format  byte
}

// ExitCode is 2: this release cannot go on from here, and would meet the same again.
func (e *UnknownKindError) ExitCode() int { return 2 }

// Error names the kind, the version and what to do.
func (e *UnknownKindError) Error() string {
	if e.Format != FormatVersion {
		return fmt.Sprintf("%s@%d: stored format %d is unknown to this release, which reads format %d: use the release that wrote it; if no other release ever ran here, the event is damaged",
			streamName(e.Stream), e.Seq, e.Format, FormatVersion)
	}
	return fmt.Sprintf("%s@%d: event kind %s version %d is unknown to this release: use the release that wrote it (control: Started of the stream's owner names it)",
		e.Stream, e.Seq, e.Kind, e.Version)
}

// Encode gives the stored form of an event (architecture.md, "Identity"): format
// version, journal id, stream name, seq, hash of the event before, time, kind, kind
// version, body. Record batches come last, as raw sections: parts[0] is everything
// before them, the other parts are the event's own slices, not copied. The hash is
// SHA-256 over all parts.
func Encode(id domain.JournalID, s domain.Stream, seq domain.Seq, prev domain.Hash, at domain.Micros, ev domain.Event) (parts [][]byte, hash domain.Hash) {
	e := enc{b: make([]byte, 0, 1024)}
	e.b = append(e.b, FormatVersion)
	e.id(id)
	e.str(s.String())
	e.seq(seq)
	e.hash(prev)
	e.micros(at)
	e.str(string(ev.Kind()))
	e.u(kindVersion)
	sections := encodeBody(&e, ev)
	parts = append([][]byte{e.b}, sections...)
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(hash[:0])
	return parts, hash
}

// Decode reads a stored event. The entry's batches are slices of stored, which the
// caller must leave alone as long as it uses the entry. Errors: ErrMalformed,
// *UnknownKindError.
func Decode(stored []byte) (*Entry, error) {
	d := dec{b: stored}
	format := d.take(1)
	if d.err != nil {
		return nil, fmt.Errorf("%w: empty", ErrMalformed)
	}
	if format[0] != FormatVersion {
		return nil, &UnknownKindError{Format: format[0]}
	}
	en := &Entry{Size: len(stored)}
	en.Journal = d.id()
	name := d.str()
	en.Seq = d.seq()
	en.Prev = d.hash()
	en.At = d.micros()
	kind := domain.Kind(d.str())
	version := d.u()
	if d.err != nil {
		return nil, fmt.Errorf("%w: head: %w", ErrMalformed, d.err)
	}
	var err error
	if en.Stream, err = domain.ParseStream(name); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	en.Event = decodeBody(&d, kind, version)
	switch {
	case en.Event == nil && d.err == nil:
		return nil, &UnknownKindError{Stream: en.Stream, Seq: en.Seq, Kind: kind, Version: version, Format: format[0]}
	case d.err != nil:
		return nil, fmt.Errorf("%w: %s@%d %s: %w", ErrMalformed, en.Stream, en.Seq, kind, d.err)
	case len(d.b) > 0:
		return nil, fmt.Errorf("%w: %s@%d %s: %d bytes too many", ErrMalformed, en.Stream, en.Seq, kind, len(d.b))
	}
	en.Hash = sha256.Sum256(stored)
	return en, nil
}

func encodeBody(e *enc, ev domain.Event) (sections [][]byte) {
	switch ev := ev.(type) {
	case *domain.Genesis:
		e.micros(ev.Created)
		e.str(ev.Pipeline)
	case *domain.Rolled:
		e.seq(ev.Incarnation)
		e.positions(ev.Positions)
		e.trail(ev.Trail)
	case *domain.Opened:
		e.seq(ev.Incarnation)
		e.seq(ev.Config)
		e.positions(ev.Positions)
		e.trail(ev.Trail)
	case *domain.Started, *domain.PipelineConfigured, *domain.Incident, *domain.Resolved, *domain.Operator:
		e.control(ev)
	case *domain.SourceOpened, *domain.Ingested, *domain.SourceClosed:
		return e.ingest(ev)
	case *domain.HubBegun, *domain.HubCommitted, *domain.HubAborted:
		e.hub(ev)
	case *domain.DorisBegun, *domain.DorisPrepared, *domain.DorisCommitted, *domain.DorisAborted:
		e.doris(ev)
	case *domain.LineageBegun, *domain.LineageCommitted:
		e.lineage(ev)
	case *domain.Checkpoint, *domain.Archived, *domain.Dropped, *domain.Reconciled, *domain.Accepted:
		e.proof(ev)
	case *domain.ReplayPlanned, *domain.ReplayMoved, *domain.TableSwap:
		e.replay(ev)
	case *domain.Rebased:
		e.rebased(ev)
	}
	return nil
}

// decodeBody gives nil without an error for a kind or version that is unknown.
func decodeBody(d *dec, kind domain.Kind, version uint64) domain.Event {
	if version != kindVersion {
		return nil
	}
	switch kind {
	case domain.KindGenesis:
		return &domain.Genesis{Created: d.micros(), Pipeline: d.str()}
	case domain.KindRolled:
		return &domain.Rolled{Owned: d.owned(), Positions: d.positions(), Trail: d.trail()}
	case domain.KindOpened:
		return &domain.Opened{Owned: d.owned(), Config: d.seq(), Positions: d.positions(), Trail: d.trail()}
	case domain.KindStarted, domain.KindPipelineConfigured, domain.KindIncident, domain.KindResolved, domain.KindOperator:
		return d.control(kind)
	case domain.KindSourceOpened, domain.KindIngested, domain.KindSourceClosed:
		return d.ingest(kind)
	case domain.KindHubBegun, domain.KindHubCommitted, domain.KindHubAborted:
		return d.hub(kind)
	case domain.KindDorisBegun, domain.KindDorisPrepared, domain.KindDorisCommitted, domain.KindDorisAborted:
		return d.doris(kind)
	case domain.KindLineageBegun, domain.KindLineageCommitted:
		return d.lineage(kind)
	case domain.KindCheckpoint, domain.KindArchived, domain.KindDropped, domain.KindReconciled, domain.KindAccepted:
		return d.proof(kind)
	case domain.KindReplayPlanned, domain.KindReplayMoved, domain.KindTableSwap:
		return d.replay(kind)
	case domain.KindRebased:
		return d.rebased()
	default:
		return nil
	}
}
