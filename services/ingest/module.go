package ingest

import (
	"go.uber.org/fx"

	"github.com/hefu-io/hefu/services/lifecycle"
)

// Module ingests for the life of the app.
var Module = fx.Module("ingest", fx.Provide(NewService), fx.Invoke(lifecycle.Start[*Service]))
