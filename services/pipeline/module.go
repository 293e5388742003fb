package pipeline

import (
	"go.uber.org/fx"

	"github.com/hefu-io/hefu/services/lifecycle"
)

// Module opens the pipelines for the life of the app. It is the first to start and the
// last to stop.
var Module = fx.Module("pipeline", fx.Provide(NewSet), fx.Invoke(lifecycle.Start[*Set]))
