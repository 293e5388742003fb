package projections

import "github.com/hefu-io/hefu/domain"

// Configured gives a pipeline's configuration in force and the seq of the event that made it
// so. Sources are added and ended while a leg runs; everything else is fixed for the
// pipeline's life.
type Configured func() (domain.PipelineConfig, domain.Seq)
