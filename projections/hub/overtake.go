package hub

import (
	"context"

	"github.com/hefu-io/hefu/domain"
)

// overtaken resolves the incidents of this leg that say that the hub lost something and are not
// what was found now: it has it again, or lacks another part of it. A leg that is open has none,
// so that an open incident says that the leg stands still.
func (h *Hub) overtaken(ctx context.Context, now domain.IncidentID, why string) error {
	return h.incidents.Overtaken(ctx, func(in *domain.Incident) bool {
		return in.What == domain.IncidentHubLost && in.Stream == h.stream && in.ID != now
	}, why)
}
