package rebuild

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/journal/embedded"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// memory is what is remembered of the journal that was before.
type memory struct {
	old     domain.JournalID
	told    []journal.Anchor // all that the hub and the file say
	known   []domain.Ref
	facts   []domain.Fact
	refused []string

	// Of the journal itself, where an older copy of it can be read; else nothing.
	config *domain.PipelineConfig
	books  *pipeline.Books
}

// remember asks the hub, the file of checkpoints, and the journal in the store, in this order:
// the first one that names a journal says which it was. old is nil where there is no store to read.
func (j *Job) remember(ctx context.Context, p *config.Pipeline, old *pipeline.Store) (*memory, error) {
	m := &memory{}
	var told []journal.Anchor
	for shard := range p.Shards {
		anchors, err := hub.Anchors(ctx, hubConfig(p, shard))
		var damaged *hub.WitnessError
		if err != nil && !errors.As(err, &damaged) {
			return nil, fmt.Errorf("ask the hub what it remembers of shard %d: %w", shard, err)
		}
		if err != nil {
			m.fact("the hub", err.Error())
		}
		told = append(told, anchors...)
	}
	m.take("the hub", told)
	if f, err := checkpoint.OpenFile(checkpoint.FilePath(j.Config.DataDir)); err != nil {
		m.fact("checkpoints", err.Error())
	} else {
		var kept []journal.Anchor
		for _, h := range f.Heads() {
			if h.Ref.Stream.Pipeline == p.Name {
				kept = append(kept, journal.Anchor{Journal: h.Journal, Ref: h.Ref, Where: "the file of checkpoints"})
			}
		}
		m.take("checkpoints", kept)
	}
	return m, m.read(ctx, j, p, old)
}

func (m *memory) fact(key, value string) {
	m.facts = append(m.facts, domain.Fact{Key: key, Value: value})
}

// take notes the newest event of each stream.
func (m *memory) take(from string, list []journal.Anchor) {
	m.told = append(m.told, list...)
	newest := map[domain.Stream]journal.Anchor{}
	for _, a := range list {
		if m.old == (domain.JournalID{}) {
			m.old = a.Journal
		}
		have, known := newest[a.Ref.Stream]
		if !known || a.Ref.Seq > have.Ref.Seq || a.Ref.Seq == have.Ref.Seq && a.Where < have.Where {
			newest[a.Ref.Stream] = a
		}
	}
	for _, a := range slices.SortedFunc(maps.Values(newest), func(a, b journal.Anchor) int {
		return strings.Compare(a.Ref.Stream.String(), b.Ref.Stream.String())
	}) {
		m.fact(from, fmt.Sprintf("%s names %s of journal %s", a.Where, a.Ref, a.Journal))
		if a.Journal == m.old {
			m.known = further(m.known, a.Ref)
		}
	}
}

// further puts a ref into the newest ones.
func further(list []domain.Ref, r domain.Ref) []domain.Ref {
	i, found := slices.BinarySearchFunc(list, r, func(a, b domain.Ref) int { return cmp.Compare(a.Stream.String(), b.Stream.String()) })
	switch {
	case !found:
		return slices.Insert(list, i, r)
	case list[i].Seq < r.Seq:
		list[i] = r
	}
	return list
}

// read reads what the store has of the journal, which may be nothing, an older copy, or damaged.
func (m *memory) read(ctx context.Context, j *Job, p *config.Pipeline, old *pipeline.Store) error {
	if old == nil {
		m.fact("store", "holds no journal that can be read")
		return nil
	}
	if j.Config.Journal.Mode == config.ModeExternal {
		list, err := old.Segments(ctx, domain.ControlStream(p.Name))
		if err != nil {
			return fmt.Errorf("look for the streams of pipeline %s in the store: %w", p.Name, err)
		}
		if len(list) > 0 {
			m.refused = append(m.refused, fmt.Sprintf("the store still has streams HEFU_%s_…, which NATS cannot rename and this command does not delete: "+
				"back each of them up (nats stream backup) and remove it (nats stream rm), then look again", p.Name))
		}
	}
	if _, known := old.Manifest.Journal(p.Name); !known {
		m.fact("store", "holds no journal of this pipeline")
		return nil
	}
	jr, books, why := m.copyIn(ctx, j, p, old)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if why != "" {
		m.fact("store", why)
		return nil
	}
	m.old, m.books = jr.ID(), books
	if books.Config.HubTopic != "" && len(books.Findings) == 0 && jr.Check(ctx, m.told...) == nil {
		m.refused = append(m.refused, fmt.Sprintf("the journal in the store is whole, and has everything that the hub and the file of checkpoints remember of it: start hefu. "+
			"Where a start refuses it nevertheless, do what that says; only if nothing helps move %s aside, and look again", j.path(journalName)))
	}
	if books.Config.HubTopic != "" {
		m.config = &books.Config
	}
	return m.ends(ctx, jr)
}

// copyIn reads the copy of the journal that is in the store, or says why there is none to read.
func (m *memory) copyIn(ctx context.Context, j *Job, p *config.Pipeline, old *pipeline.Store) (*journal.Journal, *pipeline.Books, string) {
	jr, err := old.OpenJournal(ctx, j.Config, p.Name, j.Log)
	if err == nil && m.old != (domain.JournalID{}) && jr.ID() != m.old {
		return nil, nil, fmt.Sprintf("holds another journal, %s, which says nothing here", jr.ID())
	}
	var books *pipeline.Books
	if err == nil {
		books, err = pipeline.ReadBooks(ctx, jr)
	}
	if err != nil {
		return nil, nil, "the journal in it cannot be read: " + err.Error()
	}
	return jr, books, ""
}

// ends notes how far the copy in the store goes.
func (m *memory) ends(ctx context.Context, jr *journal.Journal) error {
	for _, s := range m.books.Streams {
		tail, err := jr.Tail(ctx, s.Stream)
		if err != nil {
			return err
		}
		m.fact("store", fmt.Sprintf("a copy of journal %s, which has %s up to %d", jr.ID(), s.Stream, tail.Seq))
		m.known = further(m.known, tail.Ref())
	}
	return nil
}

// begins is where the older copy says that a partition was begun, and its newest generation of
// the source; false where it says nothing.
func (m *memory) begins(source domain.SourceID, partition int32) (first int64, ok bool) {
	if m.books == nil {
		return 0, false
	}
	generation := m.generation(source)
	for _, a := range m.books.Accounts {
		if a.PartitionKey == (domain.PartitionKey{Source: source, Generation: generation, Partition: partition}) {
			return a.First + a.Gaps[domain.ReasonStartPolicy], true
		}
	}
	return 0, false
}

// generation is the newest one of a source in the older copy, 1 where nobody knows.
func (m *memory) generation(source domain.SourceID) domain.Generation {
	g := domain.Generation(1)
	if m.books != nil {
		for _, at := range m.books.Positions {
			if at.Source == source {
				g = max(g, at.Generation)
			}
		}
	}
	return g
}

// openOld opens the store that was before, nil where there is none or it cannot be opened. Errors:
// embedded.ErrLocked, while a hefu runs on it.
func (j *Job) openOld(ctx context.Context) (*pipeline.Store, error) {
	if j.Config.Journal.Mode == config.ModeEmbedded {
		if _, err := os.Stat(filepath.Join(j.Config.DataDir, journalName)); errors.Is(err, fs.ErrNotExist) {
			return nil, nil // to open it would make it
		}
	}
	s, err := pipeline.OpenStore(ctx, j.Config, j.Log)
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, embedded.ErrLocked), j.Config.Journal.Mode == config.ModeExternal, ctx.Err() != nil:
		return nil, err
	default:
		j.Log.WarnContext(ctx, "the store that was before cannot be opened, and says nothing", "error", err)
		return nil, nil
	}
}

// hubConfig is a shard's part of the hub.
func hubConfig(p *config.Pipeline, shard int) hub.Config {
	return hub.Config{Kafka: p.Hub.Config, Shard: shard, ProgressTopic: p.Hub.ProgressTopic, Semantic: domain.Semantic(p.Hub.Semantic)}
}
