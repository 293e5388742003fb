package hub

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
)

// WrapSender puts something between a Hub's legs and their sender.
func (h *Hub) WrapSender(wrap func(Sender) Sender) { h.wrap = wrap }

// LimitEvents bounds the ingest events of the next batch, as a failure does.
func (h *Hub) LimitEvents(n int64) { h.most.Store(n) }

// SenderOptions adds options to the client of each sender.
func (h *Hub) SenderOptions(opts ...kgo.Opt) { h.opts = opts }

// HubRuns is the mapping of one packed ingest run, whose first row has the ordinal
// first, to the offsets that a sender gave it.
func HubRuns(p *Packed, ingest domain.Seq, run int, first int64) []domain.HubRun {
	return hubRuns(p, []origin{{ingest: ingest, run: run, first: first}})
}

// Options adds options to the client of a Witness.
func (w *Witness) Options(opts ...kgo.Opt) { w.opts = opts }
