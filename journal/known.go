package journal

import "github.com/hefu-io/hefu/domain"

// keptHashes is how many hashes of events are kept of each stream, for whoever follows it by
// hashes alone: seconds of a busy one.
const keptHashes = 8192

// known is what this process knows for certain of a stream: the newest event that was
// acknowledged, read along the chain, or found where an anchor says.
type known struct {
	anchor Anchor
	hashes []domain.Hash // of the events up to the anchor's, without holes
}

// remember keeps an anchor that was found to hold, if it is the newest.
func (j *Journal) remember(a Anchor) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if k := j.known[a.Ref.Stream]; k == nil || k.anchor.Ref.Seq < a.Ref.Seq {
		j.known[a.Ref.Stream] = &known{anchor: a, hashes: []domain.Hash{a.Ref.Hash}}
	}
}

// happened is remember for the event that follows the newest one, as a writer or a reader of
// the whole stream brings them.
func (j *Journal) happened(e *Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	k := j.known[e.Stream]
	switch {
	case k == nil:
		k = &known{}
		j.known[e.Stream] = k
	case e.Seq <= k.anchor.Ref.Seq:
		return
	case e.Seq != k.anchor.Ref.Seq+1:
		k.hashes = nil
	case len(k.hashes) == keptHashes:
		k.hashes = append(make([]domain.Hash, 0, keptHashes), k.hashes[keptHashes/2:]...)
	}
	k.anchor = Anchor{Journal: j.id, Ref: e.Ref(), Where: "this process"}
	k.hashes = append(k.hashes, e.Hash)
}

// Known is the newest event of a stream that this process knows to be stored, zero for none:
// one that it appended, or that somebody remembers (Check). It asks nobody.
func (j *Journal) Known(s domain.Stream) domain.Ref {
	a, _ := j.newest(s)
	return a.Ref
}

func (j *Journal) newest(s domain.Stream) (Anchor, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	k := j.known[s]
	if k == nil {
		return Anchor{}, false
	}
	return k.anchor, true
}

// Hashes are the hashes of the events from a seq on up to Known, as far as they are kept:
// none when that seq is not, or is still to come.
func (j *Journal) Hashes(s domain.Stream, from domain.Seq) []domain.Hash {
	j.mu.Lock()
	defer j.mu.Unlock()
	k := j.known[s]
	if k == nil {
		return nil
	}
	first := k.anchor.Ref.Seq + 1 - domain.Seq(len(k.hashes))
	if from < first || from > k.anchor.Ref.Seq {
		return nil
	}
	return append([]domain.Hash(nil), k.hashes[from-first:]...)
}
