package reconcile

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

// merge is a window of a partition of a topic while both sides are gone through together.
type merge struct {
	t            *topicProof
	at           *track
	ours, theirs map[rowID]int // where each row stands, the first one of several
	left, right  proof.Tally
	wrong        bool
}

// standing says where each row of a list stands.
func standing(list []topicRow) map[rowID]int {
	out := make(map[rowID]int, len(list))
	for i := len(list) - 1; i >= 0; i-- {
		out[list[i].id] = i
	}
	return out
}

// run goes through both sides. Where they differ, whichever row stands further on in the other
// one tells what is wrong: the topic lacks rows, or has some that are too many.
func (m *merge) run() {
	i, j := 0, 0
	for i < len(m.at.left) && j < len(m.at.right) {
		ours, theirs := &m.at.left[i], &m.at.right[j]
		switch {
		case m.same(ours, theirs):
			m.both(i, ours.digest, ours.digest)
			i, j = i+1, j+1
		case ours.id == theirs.id:
			m.both(i, ours.digest, theirs.digest)
			m.alter(ours, theirs)
			i, j = i+1, j+1
		case m.further(m.theirs, ours.id, j) && !m.further(m.ours, theirs.id, i):
			m.extra(i, theirs)
			j++
		case m.further(m.ours, theirs.id, i) && !m.further(m.theirs, ours.id, j):
			m.lose(i, ours)
			i++
		case m.further(m.ours, theirs.id, i): // both are further on: another order
			m.reorder(i, theirs)
			j++
		default: // each is nowhere in the other: a row whose very name is another one
			m.both(i, ours.digest, theirs.digest)
			m.alter(ours, theirs)
			i, j = i+1, j+1
		}
	}
	for ; i < len(m.at.left); i++ {
		m.lose(i, &m.at.left[i])
	}
	m.at.right = append(m.at.right[:0], m.at.right[j:]...)
}

// same reports whether two rows are the same in all columns that the journal can say.
func (m *merge) same(ours, theirs *topicRow) bool {
	switch ours.mask {
	case m.t.mask:
		return ours.digest == theirs.digest
	case m.t.mask &^ (1 << proof.Record):
		return ours.digest == theirs.short
	default: // a batch that does not decode
		return ours.id == theirs.id
	}
}

// further reports whether a row stands in a list behind a place.
func (m *merge) further(in map[rowID]int, id rowID, behind int) bool {
	at, known := in[id]
	return known && at > behind
}

// both takes in a row that stands in the same place on both sides.
func (m *merge) both(i int, ours, theirs int64) {
	m.left.AddDigest(m.at.rows+int64(i), ours)
	m.right.AddDigest(m.at.rows+int64(i), theirs)
}

func (m *merge) lose(i int, r *topicRow) {
	m.wrong = true
	m.left.AddDigest(m.at.rows+int64(i), r.digest)
	if m.moved(r.id) {
		return // it stands where it should not, which is a finding
	}
	f := m.t.finding(domain.Lost, m.at.h, r)
	f.Row.Hub.Offset = r.offset
	f.Detail = "the journal has it and the topic does not"
	m.t.add(f)
}

func (m *merge) extra(i int, r *topicRow) {
	m.wrong = true
	m.right.AddDigest(m.at.rows+int64(i), r.digest)
	at, known := m.ours[r.id]
	m.t.stray(m.at.h, r, known && at < i)
}

// reorder is a row that stands before its place.
func (m *merge) reorder(i int, r *topicRow) {
	m.wrong = true
	m.right.AddDigest(m.at.rows+int64(i), r.digest)
	m.t.early[r.id] = true
	f := m.t.finding(domain.Reordered, m.at.h, r)
	f.Detail = fmt.Sprintf("at offset %d of the topic it stands before rows that the journal has before it", r.offset)
	m.t.add(f)
}

// moved reports whether a row was found out of its place.
func (m *merge) moved(id rowID) bool { return m.t.early[id] }

// alter remembers a row that is to be named.
func (m *merge) alter(ours, theirs *topicRow) {
	m.wrong = true
	if m.t.named++; m.t.named > keptFindings {
		m.t.got.more++
		return
	}
	m.t.altered[m.at.h] = with(m.t.altered[m.at.h], ours.offset)
	m.t.topicAt = append(m.t.topicAt, inTopic{m.at.h, ours.offset, theirs.offset})
}

// inTopic is where the topic has what stands for a row of the hub.
type inTopic struct {
	h           int32
	hub, offset int64
}

// stray names a row of the topic that is too many.
func (t *topicProof) stray(h int32, r *topicRow, again bool) {
	class, detail := domain.Strayed, "the plan has no such row here"
	part := t.c.cities[cityKey{r.id.city, r.id.partition}]
	if again {
		class, detail = domain.Doubled, "it is there a second time"
	}
	f := t.finding(class, h, r)
	if part == nil {
		f.Source, f.Generation = "", 0
	}
	f.Detail = fmt.Sprintf("at offset %d of the topic: %s", r.offset, detail)
	t.add(f)
}

// finding is one about a row, with the place in the city that it says.
func (t *topicProof) finding(class domain.Class, h int32, r *topicRow) domain.Finding {
	f := domain.Finding{Class: class, Where: "topic"}
	if city, err := domain.ParseCity(string(r.id.city)); err == nil {
		f.City = city
	}
	if p := t.c.cities[cityKey{r.id.city, r.id.partition}]; p != nil {
		f.Source, f.Generation = p.source, p.generation
	}
	f.Row.City = domain.Coord{Partition: narrow(r.id.partition), Offset: r.id.offset, Timestamp: -1}
	f.Row.Hub = domain.Coord{Partition: h, Offset: -1, Timestamp: -1}
	if t.live {
		f.Row.Hub.Offset = r.offset
	}
	return f
}

func (t *topicProof) add(f domain.Finding) { t.got.add(f) }

// hold reads the rows of the topic that stand for altered ones, under the places that these have
// in the hub.
func (t *topicProof) hold(ctx context.Context) (heldRows, error) {
	out := heldRows{name: "topic", rows: map[int32][]proof.Row{}}
	for _, at := range t.topicAt {
		_, err := t.hub.Scan(ctx, map[int32]int64{at.h: at.offset}, map[int32]int64{at.h: at.offset + 1}, func(r *target.HubRow) error {
			one := shortened(&r.Row)
			one.Offset, one.Hub = at.hub, domain.Coord{Partition: at.h, Offset: at.hub, Timestamp: -1}
			out.rows[at.h] = append(out.rows[at.h], one)
			return nil
		})
		if err != nil {
			return out, err
		}
	}
	return out, nil
}
