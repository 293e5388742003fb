package replay

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hefu-io/hefu/domain"
)

// Describe implements prometheus.Collector: the metrics depend on what is planned.
func (s *Service) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector. Only what this process works at has metrics of its own;
// all others are counted by state, since there are ever more of them.
func (s *Service) Collect(out chan<- prometheus.Metric) {
	opened, _ := s.set.Opened()
	for _, o := range opened {
		count := map[domain.PlanState]int{}
		o.Control.State(func(c *domain.ControlState) {
			for _, r := range c.Replays {
				count[r.State]++
			}
		})
		for _, state := range []domain.PlanState{
			domain.PlanPlanned, domain.PlanRunning, domain.PlanPaused, domain.PlanVerifying, domain.PlanDone, domain.PlanCancelled, domain.PlanFailed,
		} {
			gauge(out, "state", "Replays by state; alarm on failed.", float64(count[state]), "pipeline", o.Config.Name, "state", string(state))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, x := range s.running {
		p := x.progress(time.Since(x.began))
		labels := []string{"pipeline", x.o.Config.Name, "replay", id.String()}
		gauge(out, "rows", "Rows that this process has carried since it went on with the replay.", float64(p.Rows), labels...)
		gauge(out, "share", "Share of the replay's events that are carried, of the shards of this process.", p.Share, labels...)
		gauge(out, "remaining_seconds", "Estimated time to its end, -1 while unknown.", p.Remaining, labels...)
	}
}

// gauge sends one metric with labels, each a name and a value.
func gauge(out chan<- prometheus.Metric, name, help string, v float64, labels ...string) {
	var names, values []string
	for i := 0; i < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	out <- prometheus.MustNewConstMetric(prometheus.NewDesc("hefu_replay_"+name, help, names, nil), prometheus.GaugeValue, v, values...)
}
