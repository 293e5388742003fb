package reconcile

import "github.com/hefu-io/hefu/domain"

// States are those of all windows.
func (p *Prover) States() map[domain.Window]domain.WindowState {
	out := map[domain.Window]domain.WindowState{}
	for _, all := range []map[domain.Window]*window{p.rows, p.loads} {
		for id, w := range all {
			out[id] = w.life.State
		}
	}
	return out
}

// Held is how many windows hold what was scanned of them.
func (p *Prover) Held() (n int) {
	for _, all := range []map[domain.Window]*window{p.rows, p.loads} {
		for _, w := range all {
			if w.left.Vector().Rows+w.right.Vector().Rows > 0 || w.runs != nil {
				n++
			}
		}
	}
	return n
}

// KeepWaiting bounds the rows that are kept until the table has them.
func (p *Prover) KeepWaiting(rows int) { p.keep = rows }

// Findings are those so far.
func (p *Prover) Findings() []domain.Finding { return p.found.list }

// Through is how far the streams were compared, as a watch asks.
func (p *Prover) Through() []domain.Ref {
	if p.moving() {
		return nil
	}
	return p.through()
}
