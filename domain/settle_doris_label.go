package domain

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Label is the Stream Load label of one intent: pipeline, shard, of a replay its plan, seq and
// 12 hex digits of the hash of its DorisBegun. A label found in Doris is this intent, of
// this journal. It is at most 128 of [-_A-Za-z0-9:] (doris-wire.md §3.1).
func Label(begun Ref) string {
	return fmt.Sprintf("%s%d-%x", LabelPrefix(begun.Stream), begun.Seq, begun.Hash[:6])
}

// LabelPrefix is how the labels of a shard begin, or those of a replay in it. So may those of
// another pipeline, whose name goes on with a digit, and those of a replay begin as the
// shard's: ParseLabel knows them apart.
func LabelPrefix(s Stream) string {
	if id, is := s.Leg.Plan(); is {
		return fmt.Sprintf("hefu-%s-%d-r%s-", s.Pipeline, s.Shard, id)
	}
	return fmt.Sprintf("hefu-%s-%d-", s.Pipeline, s.Shard)
}

// LabelParts is what a label says of its intent.
type LabelParts struct {
	Stream Stream
	Seq    Seq
	Hash   [6]byte // the first of the hash of the DorisBegun
}

// Names reports whether an event is the intent of the label.
func (p LabelParts) Names(begun Ref) bool {
	return p.Stream == begun.Stream && p.Seq == begun.Seq && p.Hash == [6]byte(begun.Hash[:6])
}

// ParseLabel reads what Label wrote and nothing else: which leg's load it is, or which replay's,
// says the stream. A pipeline's name may hold dashes and digits, the other parts hold no dash: so
// it is read from the end.
func ParseLabel(label string) (LabelParts, bool) {
	rest, ours := strings.CutPrefix(label, "hefu-")
	last := func() (field string) {
		at := max(0, strings.LastIndexByte(rest, '-'))
		rest, field = rest[:at], strings.TrimPrefix(rest[at:], "-")
		return field
	}
	hash, err1 := hex.DecodeString(last())
	seq, err2 := strconv.ParseUint(last(), 10, 64)
	of, leg := last(), LegDoris
	if plan, is := strings.CutPrefix(of, "r"); is {
		of, leg = last(), replayPrefix+Leg(plan)
	}
	shard, err3 := strconv.Atoi(of)
	pipeline, err4 := ParsePipeline(rest)
	if !ours || err1 != nil || err2 != nil || err3 != nil || err4 != nil || len(hash) != 6 {
		return LabelParts{}, false
	}
	p := LabelParts{Stream: Stream{Pipeline: pipeline, Shard: shard, Leg: leg}, Seq: Seq(seq), Hash: [6]byte(hash)}
	begun := Ref{Stream: p.Stream, Seq: p.Seq}
	copy(begun.Hash[:], hash)
	return p, Label(begun) == label // neither "+1" nor "01" nor "AB" nor "rx" is what Label writes
}
