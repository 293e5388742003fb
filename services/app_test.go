package services_test

import (
	"context"
	"log/slog"
	"testing"

	"go.uber.org/fx"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// A missing constructor fails here, not at night.
func TestPartsFitTogether(t *testing.T) {
	for _, role := range []pipeline.Role{
		{},
		{Legs: []domain.Leg{domain.LegIngest}},
		{Legs: []domain.Leg{domain.LegHub}},
		{Legs: []domain.Leg{domain.LegDoris}},
		{Legs: []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}},
	} {
		c := config.Default()
		err := fx.ValidateApp(services.Options(&c, role, slog.New(slog.DiscardHandler)))
		if err != nil {
			t.Errorf("role %v: %v", role.Legs, err)
		}
	}
}

// A process that is told to end before everything is started ends as cleanly as any other.
func TestEndBeforeItIsStarted(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	role := pipeline.Role{Version: "test", Legs: []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}}
	must(t, services.Run(ctx, w.cfg, role, slog.New(slog.DiscardHandler)))
}
