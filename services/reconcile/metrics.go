package reconcile

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hefu-io/hefu/domain"
)

// Describe implements prometheus.Collector: the metrics depend on what is configured.
func (s *Service) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s *Service) Collect(out chan<- prometheus.Metric) {
	for _, st := range s.States() {
		send := func(kind prometheus.ValueType, name, help string, v float64, labels ...string) {
			names, values := []string{"pipeline"}, []string{st.Pipeline}
			for i := 0; i < len(labels); i += 2 {
				names, values = append(names, labels[i]), append(values, labels[i+1])
			}
			out <- prometheus.MustNewConstMetric(prometheus.NewDesc("hefu_proof_"+name, help, names, nil), kind, v, values...)
		}
		gauge, counter := prometheus.GaugeValue, prometheus.CounterValue
		send(counter, "looks_total", "Looks of the reconciler since the process began.", float64(st.Looks))
		send(counter, "failed_looks_total", "Looks that could not read something, since the process began.", float64(st.Failed))
		send(gauge, "look_seconds", "How long the last look took.", st.Took.Seconds())
		if st.Last != nil { // before the first one there is no age that an alarm could compare
			send(gauge, "last_look_age_seconds", "Seconds since the last look that came to its end; alarm when it grows.", time.Since(*st.Last).Seconds())
		}
		for proof, states := range st.Windows {
			for state, n := range states {
				send(gauge, "windows", "Windows of 65,536 offsets by state.", float64(n), "proof", string(proof), "state", string(state))
			}
			send(gauge, "rows", "Rows that were compared, of the windows above.", float64(st.Rows[proof]), "proof", string(proof))
		}
		for _, class := range classes() {
			send(gauge, "findings", "Findings that nobody accepted; alarm on any.", float64(st.Findings[class]), "class", string(class))
		}
		send(gauge, "accepted_findings", "Findings that a person took as they are.", float64(st.Accepted))
	}
}

// classes are all classes: a class that has none is 0, so that an alarm sees the first.
func classes() []domain.Class {
	return []domain.Class{
		domain.Lost, domain.Doubled, domain.Altered, domain.Strayed, domain.Reordered, domain.Swapped, domain.Former, domain.Unexplained,
	}
}
