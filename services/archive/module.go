package archive

import (
	"go.uber.org/fx"

	"github.com/hefu-io/hefu/services/lifecycle"
)

// Module archives for the life of the app, and when somebody asks.
var Module = fx.Module("archive", fx.Provide(New, lifecycle.Serves[*Service]), fx.Invoke(lifecycle.Start[*Service]))
