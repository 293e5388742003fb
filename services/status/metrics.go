package status

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
)

// collector turns the board into metrics at each scrape.
type collector struct{ s *Service }

var (
	legLabels    = []string{"pipeline", "shard", "leg"}
	sourceLabels = []string{"pipeline", "shard", "source", "city"}
)

func legDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("hefu_leg_"+name, help, legLabels, nil)
}

func sourceDesc(name, help string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc("hefu_source_"+name, help, append(append([]string{}, sourceLabels...), more...), nil)
}

// Describe implements prometheus.Collector: the metrics depend on what is configured.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	for _, l := range c.s.board.Legs() {
		labels := []string{l.Stream.Pipeline, strconv.Itoa(l.Stream.Shard), string(l.Stream.Leg)}
		gauge := func(name, help string, v float64) {
			out <- prometheus.MustNewConstMetric(legDesc(name, help), prometheus.GaugeValue, v, labels...)
		}
		counter := func(name, help string, v int64) {
			out <- prometheus.MustNewConstMetric(legDesc(name, help), prometheus.CounterValue, float64(v), labels...)
		}
		gauge("running", "1 when the leg runs, 0 when it opens, retries or waits for an operator.", truth(l.State == projections.StateRunning))
		gauge("incident", "1 when the leg waits for an operator.", truth(l.State == projections.StateIncident))
		gauge("cursor_seq", "Seq of the last input event that the target holds.", float64(l.Cursor.Seq))
		counter("rows_total", "Rows moved since the process began.", l.Rows)
		counter("bytes_total", "Bytes moved since the process began.", l.Bytes)
		counter("excluded_rows_total", "Rows that the target cannot carry, since the process began.", l.Excluded)
		counter("opens_total", "How often the leg was opened.", l.Opens)
		gauge("waiting", "1 when the leg holds rows back for a turn or for Doris.", truth(l.Waiting != ""))
		if o := l.Orphans; o != nil {
			gauge("orphans", "Loads without an end under this shard's labels that are not the one under way, by the last look.", float64(len(o.Found)+o.More))
			gauge("orphans_checked_seconds", "When a look for orphans last got an answer, in seconds since 1970; 0 for never.", seconds(o.Checked))
			counter("orphans_aborted_total", "Orphans that this process aborted.", o.Aborted)
		}
	}
	for _, src := range c.s.board.Sources() {
		labels := []string{src.Pipeline, strconv.Itoa(src.Shard), string(src.Source), string(src.City)}
		out <- prometheus.MustNewConstMetric(sourceDesc("running", "1 when the source is read."), prometheus.GaugeValue, truth(src.State == projections.StateRunning), labels...)
		out <- prometheus.MustNewConstMetric(sourceDesc("rows_total", "Rows journaled since the process began."), prometheus.CounterValue, float64(src.Rows), labels...)
		for _, reason := range domain.Reasons() {
			out <- prometheus.MustNewConstMetric(sourceDesc("gap_offsets_total", "Offsets without a row by reason, journaled since the process began; alarm on unexplained.", "reason"),
				prometheus.CounterValue, float64(src.Gaps[reason]), append(append([]string{}, labels...), reason.String())...)
		}
		for _, p := range src.Partitions {
			with := append(append([]string{}, labels...), strconv.Itoa(int(p.Partition)))
			out <- prometheus.MustNewConstMetric(sourceDesc("next_offset", "The next offset to journal.", "partition"), prometheus.GaugeValue, float64(p.Next), with...)
			out <- prometheus.MustNewConstMetric(sourceDesc("lag_offsets", "Offsets between the journal and the last stable offset.", "partition"), prometheus.GaugeValue, float64(p.Lag), with...)
		}
	}
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
