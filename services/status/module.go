package status

import (
	"go.uber.org/fx"

	"github.com/hefu-io/hefu/services/lifecycle"
)

// Module serves the API for the life of the app.
var Module = fx.Module("status", fx.Provide(New), fx.Invoke(lifecycle.Start[*Service]))
