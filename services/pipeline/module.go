package pipeline

import (
	"go.uber.org/fx"

	"github.com/hefu-io/hefu/services/lifecycle"
)

// Module opens the pipelines for the life of the app. It is the first to start and the
// last to stop. Its journals can be verified while they are open.
var Module = fx.Module("pipeline", fx.Provide(NewSet, lifecycle.Serves[*Set]), fx.Invoke(lifecycle.Start[*Set]))
