package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
)

// scope reads which rows are meant. What cannot be told without the journal the running hefu
// refuses.
func (q *planQuestion) scope(p *config.Pipeline, s *domain.PlanScope) error {
	for _, read := range []func(*config.Pipeline, *domain.PlanScope) error{q.cityScope, q.hubScope, q.timeScope, q.asOfScope} {
		if err := read(p, s); err != nil {
			return err
		}
	}
	if len(q.findings) > 0 && q.report == "" {
		return errors.New("--finding is of a report: --report names it")
	}
	for _, text := range q.findings {
		id, err := domain.ParseFindingID(text)
		if err != nil {
			return fmt.Errorf("--finding: %w", err)
		}
		s.Findings = append(s.Findings, id)
	}
	s.Quarantine = q.quarantined
	return nil
}

// cityScope reads sources, or one partition of one source.
func (q *planQuestion) cityScope(p *config.Pipeline, s *domain.PlanScope) error {
	for _, id := range q.sources {
		s.Sources = append(s.Sources, domain.SourceID(id))
	}
	for _, code := range q.cities {
		n := len(s.Sources)
		for i := range p.Sources {
			if p.Sources[i].City == code {
				s.Sources = append(s.Sources, domain.SourceID(p.Sources[i].ID))
			}
		}
		if len(s.Sources) == n {
			return fmt.Errorf("--city %s: no source of pipeline %s is of it; --source names one that was in the file before", code, p.Name)
		}
	}
	if q.partition < 0 {
		if q.offsets != "" {
			return errors.New("--offsets are of one partition: --partition names it")
		}
		return nil
	}
	if len(s.Sources) != 1 {
		return fmt.Errorf("--partition %d is of one source, and there are %d: --source or --city names it", q.partition, len(s.Sources))
	}
	first, last, err := span(q.offsets)
	if err != nil {
		return fmt.Errorf("--offsets: %w", err)
	}
	s.Cities = []domain.CitySpan{{Source: s.Sources[0], Partition: q.partition, Span: domain.Span{First: first, Next: behind(last)}}}
	s.Sources = nil
	return nil
}

// hubScope reads places of the hub, and events.
func (q *planQuestion) hubScope(_ *config.Pipeline, s *domain.PlanScope) error {
	for _, text := range q.hub {
		partition, first, last, err := numbered(text)
		if err != nil || partition > math.MaxInt32 {
			return fmt.Errorf("--hub %s: want PARTITION:FIRST:LAST (%w)", text, err)
		}
		s.Hub = append(s.Hub, domain.HubSpan{Partition: int32(partition), Span: domain.Span{First: first, Next: behind(last)}}) //nolint:gosec // looked at above
	}
	for _, text := range q.seqs {
		shard, first, last, err := numbered(text)
		if err != nil {
			return fmt.Errorf("--seqs %s: want SHARD:FIRST:LAST (%w)", text, err)
		}
		s.Seqs = append(s.Seqs, domain.SeqSpan{Shard: int(shard), First: domain.Seq(first), Last: domain.Seq(last)}) //nolint:gosec // none is negative
	}
	return nil
}

// timeScope reads times of ingest.
func (q *planQuestion) timeScope(p *config.Pipeline, s *domain.PlanScope) error {
	for _, t := range []struct {
		flag, text string
		into       **domain.Micros
	}{{"--from", q.from, &s.From}, {"--to", q.to, &s.To}} {
		if t.text == "" {
			continue
		}
		at, err := parseTime(t.text, p.Timezone)
		if err != nil {
			return fmt.Errorf("%s: %w", t.flag, err)
		}
		micros := domain.Micros(at.UnixMicro())
		*t.into = &micros
	}
	return nil
}

// asOfScope reads a moment: a time, or an event of each shard.
func (q *planQuestion) asOfScope(p *config.Pipeline, s *domain.PlanScope) error {
	if q.asOf == "" {
		if q.take {
			return errors.New("--take-undecided is of a moment: --as-of names it")
		}
		return nil
	}
	s.AsOf = &domain.AsOf{Take: q.take}
	if !strings.Contains(q.asOf, "@") {
		at, err := parseTime(q.asOf, p.Timezone)
		if err != nil {
			return fmt.Errorf("--as-of: %w; or STREAM@SEQ", err)
		}
		micros := domain.Micros(at.UnixMicro())
		s.AsOf.Time = &micros
		return nil
	}
	for text := range strings.SplitSeq(q.asOf, ",") {
		name, number, _ := strings.Cut(text, "@")
		stream, err := domain.ParseStream(name)
		if err != nil {
			return fmt.Errorf("--as-of %s: %w", text, err)
		}
		seq, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			return fmt.Errorf("--as-of %s: want STREAM@SEQ, as in bridge.0.doris@57", text)
		}
		s.AsOf.Positions = append(s.AsOf.Positions, domain.Ref{Stream: stream, Seq: domain.Seq(seq)})
	}
	return nil
}

// span reads FIRST:LAST, either of which may be left out, and one number as itself.
func span(text string) (first, last int64, err error) {
	last = math.MaxInt64
	if text == "" {
		return first, last, nil
	}
	from, to, two := strings.Cut(text, ":")
	if !two {
		to = from
	}
	if from != "" {
		if first, err = strconv.ParseInt(from, 10, 64); err != nil {
			return 0, 0, fmt.Errorf("%q: want FIRST:LAST, both of them included", text)
		}
	}
	if to != "" {
		if last, err = strconv.ParseInt(to, 10, 64); err != nil {
			return 0, 0, fmt.Errorf("%q: want FIRST:LAST, both of them included", text)
		}
	}
	if first < 0 || last < first {
		return 0, 0, fmt.Errorf("%q: %d to %d are none", text, first, last)
	}
	return first, last, nil
}

// numbered reads NUMBER:FIRST:LAST.
func numbered(text string) (number, first, last int64, err error) {
	head, rest, _ := strings.Cut(text, ":")
	if number, err = strconv.ParseInt(head, 10, 64); err != nil || number < 0 {
		return 0, 0, 0, fmt.Errorf("%q is no number of 0 or more", head)
	}
	first, last, err = span(rest)
	return number, first, last, err
}

// behind is the offset after the last one of a span.
func behind(last int64) int64 {
	if last == math.MaxInt64 {
		return last
	}
	return last + 1
}

// limitsOf are limits with what was said of them changed.
func limitsOf(l domain.PlanLimits, rows int64, bytes string, concurrency int) (domain.PlanLimits, error) {
	if rows >= 0 {
		l.Rows = rows
	}
	if bytes != "" {
		b, err := config.ParseBytes(bytes)
		if err != nil {
			return l, fmt.Errorf("--bytes-per-second: %w", err)
		}
		l.Bytes = int64(b)
	}
	if concurrency >= 0 {
		l.Concurrency = concurrency
	}
	return l, nil
}

// reportFile is the signed file of a report, by its path or the name under which it is kept.
func reportFile(config, name string) ([]byte, error) {
	if _, err := readReport(config, name, nil); err != nil {
		return nil, err
	}
	if b, err := os.ReadFile(name); err == nil {
		return b, nil
	}
	kept, err := keptReports(config)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(kept.Find(name))
}
