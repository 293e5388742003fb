package reconcile

import (
	"go.uber.org/fx"

	"github.com/hefu-io/hefu/services/lifecycle"
)

// Module proves for the life of the app, and when somebody asks by its API. It needs a Signing.
var Module = fx.Module("reconcile", fx.Provide(NewService, lifecycle.Serves[*Service]), fx.Invoke(lifecycle.Start[*Service]))
