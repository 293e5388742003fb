package project

import (
	"go.uber.org/fx"

	"github.com/hefu-io/hefu/services/lifecycle"
)

// Module runs the projections for the life of the app.
var Module = fx.Module("project", fx.Provide(New), fx.Invoke(lifecycle.Start[*Service]))
