package reconcile

import "github.com/hefu-io/hefu/domain"

// Results are those of all windows, as an event has them.
func (p *Prover) Results() (out []domain.WindowResult) {
	for _, all := range []map[domain.Window]*window{p.rows, p.loads} {
		for _, w := range sorted(all) {
			out = append(out, w.life.Result())
		}
	}
	return out
}

// Next is the offset of a hub partition that is scanned next.
func (p *Prover) Next(h int32) int64 { return p.hubs[h].next }
