package doris

import (
	"context"
	"errors"
	"log/slog"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

// CheckTable holds a table against what the rows need, as opening a leg does, without a
// journal, and changes nothing. Of cfg it takes the table, its model, the user and the
// cities. problem is why nothing would be loaded, with the statements that change it, or
// empty; err is why nobody knows.
func CheckTable(ctx context.Context, cfg Config, conn *dorisconn.Cluster) (problem string, err error) {
	if cfg.Configured == nil {
		cfg.Configured = func() (domain.PipelineConfig, domain.Seq) { return cfg.Pipeline, 0 }
	}
	l := &leg{Doris: &Doris{cfg: cfg, log: slog.New(slog.DiscardHandler)}, conn: conn}
	err = l.checkTable(ctx)
	var misfit *tableError
	if errors.As(err, &misfit) {
		return misfit.Error(), nil
	}
	return "", err
}
