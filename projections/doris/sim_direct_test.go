package doris_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
)

func (s *sim) ddl() string {
	if s.plan.direct {
		return nullable(s.plan.model)
	}
	return ddl(s.plan.model)
}

// feedHub journals rows of the hub topic, whose partitions of the shard are 1 and 3; what
// the hub would leave out is an offset without a row, as is the marker behind each run.
func (s *sim) feedHub(f simFeed) {
	zone, err := time.LoadLocation(zoneName)
	must(s.t, err)
	format := flink.NewRowFormat(zone)
	shown := func(micros int64, layout string) string { return time.UnixMicro(micros).In(zone).Format(layout) }
	ev := &domain.Ingested{Owned: s.ingest.Owned(), ExtractTime: domain.Micros(time.Now().UnixMicro())}
	excluded := func(domain.Seq) {}
	for i, p := range f.parts {
		key, h := fmt.Sprint(p.source, p.partition), 1+2*(p.partition%2)
		r := domain.Run{Source: "hub", Generation: 1, Partition: h, First: s.ends[h], Next: s.ends[h]}
		gap := func(why domain.Reason) {
			r.Gaps = append(r.Gaps, domain.Gap{Span: domain.Span{First: r.Next, Next: r.Next + 1}, Reason: why})
			r.Next++
		}
		for k, rec := range p.records {
			if int64(k) == p.hole {
				gap(domain.ReasonAborted)
				continue
			}
			row := flink.Row{
				City: domain.City(map[domain.SourceID]string{"nanjing": "320100", "wuxi": "320200"}[p.source]), ExtractTime: int64(ev.ExtractTime),
				Record: rec.value, CityPartition: p.partition, CityOffset: s.next[key] + int64(k), CityTimestamp: cityTime + int64(k),
			}
			value := format.AppendHubJSON(nil, &row)
			r.Batches = append(r.Batches, recordBatch(r.Next, record{value, rec.ts}))
			if why := p.bad[k]; why != "" {
				before, ordinal, offset := excluded, r.Rows, r.Next
				excluded = func(seq domain.Seq) {
					before(seq)
					s.exclude[fmt.Sprintf("%d/%d/%d at %d: %s %x", seq, i, ordinal, offset, why, sha256.Sum256(value))]++
				}
			} else {
				text := "NULL"
				if rec.value != nil {
					text = fmt.Sprintf("%q", string(flink.JavaText(nil, bytes.Clone(rec.value))))
				}
				s.want[fmt.Sprintf("%d/%07d %s %s %s %d/%d %s %s", h, r.Next, row.City, shown(row.ExtractTime, "2006-01-02 15:04:05.000000"), text,
					p.partition, row.CityOffset, shown(row.CityTimestamp*1000, "2006-01-02 15:04:05.000"), shown(rec.ts*1000, "2006-01-02 15:04:05.000"))]++
			}
			r.Rows++
			r.Next++
		}
		gap(domain.ReasonCommitMarker)
		s.next[key] += int64(len(p.records))
		s.ends[h] = r.Next
		ev.Runs = append(ev.Runs, r)
		s.count("rows", int(r.Rows))
	}
	s.last, err = s.ingest.Append(s.ctx, ev)
	must(s.t, err)
	excluded(s.last.Seq)
}
