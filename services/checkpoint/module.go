package checkpoint

import (
	"go.uber.org/fx"

	"github.com/hefu-io/hefu/services/lifecycle"
)

// Module signs checkpoints for the life of the app. Of what goes on it is the first to start
// after the pipelines and the last to stop before them, so that a clean end is signed.
var Module = fx.Module("checkpoint", fx.Provide(New), fx.Invoke(lifecycle.Start[*Service]))
