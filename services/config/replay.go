package config

import "github.com/hefu-io/hefu/domain"

// Replay is what a replay may take from live traffic, as long as its plan says nothing else.
type Replay struct {
	Rows        int   `yaml:"rows_per_second"`  // 0: no limit
	Bytes       Bytes `yaml:"bytes_per_second"` // of the rows' values in the hub; 0B: no limit
	Concurrency int   `yaml:"concurrency"`      // shards at once; 0: all
}

// DefaultReplay is a Replay with every default.
func DefaultReplay() Replay { return Replay{Rows: 20_000, Bytes: 16 << 20, Concurrency: 1} }

// Limits are the limits of a plan that names none.
func (r *Replay) Limits() domain.PlanLimits {
	return domain.PlanLimits{Rows: int64(r.Rows), Bytes: int64(r.Bytes), Concurrency: r.Concurrency}
}

func (r *Replay) rules(at string) []rule {
	return []rule{
		between(at+".rows_per_second", r.Rows, 0, 1_000_000_000, "0 for no limit"),
		{at + ".bytes_per_second", r.Bytes == 0 || r.Bytes >= 64<<10, "is below 64KiB", "0B for no limit, or 64KiB and more"},
		between(at+".concurrency", r.Concurrency, 0, 1024, "shards at once; 0 for all"),
	}
}
