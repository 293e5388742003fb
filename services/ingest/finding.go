package ingest

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// finding is what a source may not decide alone: the incident, and what each choice
// would do. The numbers are those of the evidence: what is done is what was decided.
type finding struct {
	incident *domain.Incident
	at       domain.Position
	gap      domain.Gap     // what accept-gap passes over
	starts   []domain.Start // what a new generation begins with; nil: everything at the log start
}

func fact(key, value string) domain.Fact { return domain.Fact{Key: key, Value: value} }

func number(key string, n int64) domain.Fact { return fact(key, strconv.FormatInt(n, 10)) }

// place is the evidence that every finding about a partition begins with.
func place(found string, at domain.Position) []domain.Fact {
	return []domain.Fact{
		fact("found", found),
		number("partition", int64(at.Partition)),
		number("generation", int64(at.Generation)),
		number("next offset", at.Next),
	}
}

// remade is nil unless a partition that the journal knows was read from a topic with
// another id.
func remade(s domain.Stream, source domain.SourceID, known []domain.Position, t kafkaconn.Topic) *finding {
	for _, at := range known {
		if at.TopicID == t.ID || at.TopicID == [16]byte{} || t.ID == [16]byte{} || !hasPartition(t, at.Partition) {
			continue
		}
		facts := append(place("the topic was made anew: its id is another one than that of the journaled rows", at),
			fact("topic", t.Name),
			fact("journaled topic id", hex.EncodeToString(at.TopicID[:])),
			fact("topic id now", hex.EncodeToString(t.ID[:])),
			fact("do", "new-generation reads the new topic from its log start; what the old one held beyond the next offset of each partition is lost in the city"))
		return &finding{
			incident: domain.NewIncident(domain.IncidentSourceRecreated, s, source, []domain.Choice{domain.ChoiceNewGeneration}, facts...),
			at:       at,
		}
	}
	return nil
}

func hasPartition(t kafkaconn.Topic, id int32) bool {
	for _, tp := range t.Partitions {
		if tp.ID == id {
			return true
		}
	}
	return false
}

// replaced is the finding that the log holds another batch than the journal.
func replaced(s domain.Stream, source domain.SourceID, at domain.Position, now string, start domain.Start) *finding {
	facts := append(place("the log was made anew or cut: it holds something else where the last journaled batch stood", at),
		number("last journaled batch", at.LastBase),
		fact("its crc32c", strconv.FormatUint(uint64(at.LastCRC), 16)),
		fact("there now", now),
		number("new generation begins at", start.First),
		fact("because", start.How+endOf(&start)),
		fact("do", "new-generation goes on there, as a log of its own"))
	return &finding{
		incident: domain.NewIncident(domain.IncidentSourceRecreated, s, source, []domain.Choice{domain.ChoiceNewGeneration}, facts...),
		at:       at,
		starts:   []domain.Start{start},
	}
}

// endOf says where a new generation ends, if it does.
func endOf(start *domain.Start) string {
	if !start.Bounded {
		return ""
	}
	return "; it ends at " + strconv.FormatInt(start.Stop, 10) + ": " + start.StopHow
}

// deleted is the finding that the log begins after the next offset.
func deleted(s domain.Stream, source domain.SourceID, at domain.Position, logStart int64) *finding {
	if at.Bounded {
		logStart = min(logStart, at.Stop) // what lies behind the end is none of its business
	}
	gap := domain.Gap{Span: domain.Span{First: at.Next, Next: logStart}, Reason: domain.ReasonDeleted}
	facts := append(place("offsets were deleted before they were read", at),
		fact("deleted", gap.Span.String()),
		number("offsets", gap.Span.Len()),
		fact("do", "accept-gap journals these offsets as deleted and goes on behind them"))
	return &finding{
		incident: domain.NewIncident(domain.IncidentSourceOutOfRange, s, source, []domain.Choice{domain.ChoiceAcceptGap}, facts...),
		at:       at,
		gap:      gap,
	}
}

// cut is the finding that the log ends before the next offset. start is where it
// parted from what was read.
func cut(s domain.Stream, source domain.SourceID, at domain.Position, b kafkaconn.Bounds, start domain.Start) *finding {
	facts := append(place("the log was cut: it ends before offsets that are journaled", at),
		number("log end", b.HighWatermark),
		number("new generation begins at", start.First),
		fact("because", start.How+endOf(&start)),
		fact("do", "new-generation goes on there, as a log of its own; the journaled rows behind it are no longer in the city"))
	return &finding{
		incident: domain.NewIncident(domain.IncidentSourceOutOfRange, s, source, []domain.Choice{domain.ChoiceNewGeneration}, facts...),
		at:       at,
		starts:   []domain.Start{start},
	}
}

// badBatch is the finding that a batch is none that can be journaled as it is.
func badBatch(s domain.Stream, source domain.SourceID, at domain.Position, next int64, err error) *finding {
	at.Next = next
	facts := append(place("a record batch cannot be journaled as the broker sent it, and nothing is converted", at),
		fact("batch", err.Error()),
		fact("do", "mend the topic (a damaged replica, an old message format), or delete its records up to behind the batch, then resolve with retry"))
	return &finding{incident: domain.NewIncident(domain.IncidentSourceBatch, s, source, nil, facts...), at: at}
}

// tooLarge is the finding that a batch fits into no event.
func tooLarge(s domain.Stream, source domain.SourceID, at domain.Position, weight, most int64) *finding {
	facts := append(place("a record batch is larger than an event of the journal", at),
		number("bytes needed", weight),
		number("bytes allowed", most),
		fact("do", "raise max_payload of the journal's NATS and restart, or delete the topic's records up to behind the batch, then resolve with retry"))
	return &finding{incident: domain.NewIncident(domain.IncidentSourceBatch, s, source, nil, facts...), at: at}
}

// noCursor is the finding that the start or bounded mode gives partitions no offset.
func noCursor(s domain.Stream, source *Source, refused []refusal) *finding {
	var found []string
	var facts []domain.Fact
	say := func(text string) {
		if !slices.Contains(found, text) {
			found = append(found, text)
		}
	}
	for _, r := range refused {
		where := "partition "
		if r.end {
			where = "end of partition "
			say("bounded " + string(source.Stop.At) + " finds no offset to end at")
		} else {
			say("start " + string(source.Start.At) + " finds no offset to begin at")
		}
		facts = append(facts, fact(where+strconv.Itoa(int(r.partition)), r.why))
	}
	facts = slices.Concat([]domain.Fact{
		fact("found", strings.Join(found, "; ")), fact("topic", source.Topic), fact("group", source.Group),
	}, facts, []domain.Fact{fact("do", noCursorDo(source))})
	return &finding{incident: domain.NewIncident(domain.IncidentSourceNoCursor, s, source.ID, nil, facts...)}
}

// noCursorDo is what helps. A mode of hefu.yaml may still be changed: nothing of the
// source is journaled yet.
func noCursorDo(source *Source) string {
	switch {
	case source.Start.At == domain.StartSpecificOffsets:
		return "set start_offsets, and bounded_offsets if they are given, to offsets that the log holds, and restart; nothing is reset silently"
	case source.Start.At == domain.StartGroupOffsets:
		return "commit offsets for the group, then resolve with retry; or set start or on_missing_cursor, and restart"
	default:
		return "commit offsets for the group, then resolve with retry; or set bounded, and restart"
	}
}
