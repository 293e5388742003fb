package journal

import "github.com/hefu-io/hefu/domain"

func (e *enc) hubFormat(f *domain.HubFormat) {
	each(e, f.Columns, func(c *domain.Column) {
		e.str(c.Name)
		e.str(c.Type)
		e.str(string(c.From))
		e.str(c.Field)
		e.str(c.Via)
	})
	e.str(string(f.Timestamps))
	e.bool(f.IgnoreNull)
	e.bool(f.DecimalAsPlain)
	e.bool(f.PassKey)
	e.bool(f.PassHeaders)
}

func (d *dec) hubFormat() domain.HubFormat {
	return domain.HubFormat{
		Columns: list(d, 5, func() domain.Column {
			return domain.Column{Name: d.str(), Type: d.str(), From: domain.From(d.str()), Field: d.str(), Via: d.str()}
		}),
		Timestamps: domain.TimestampFormat(d.str()), IgnoreNull: d.bool(), DecimalAsPlain: d.bool(), PassKey: d.bool(), PassHeaders: d.bool(),
	}
}

func (e *enc) sourceFormat(f *domain.SourceFormat) {
	e.str(string(f.Kind))
	e.str(f.Charset)
	e.bool(f.Binary)
	each(e, f.Columns, func(c *domain.Declared) { e.str(c.Name); e.str(c.Type) })
	e.bool(f.FailOnMissing)
	e.bool(f.IgnoreErrors)
	e.str(string(f.Timestamps))
}

func (d *dec) sourceFormat() domain.SourceFormat {
	return domain.SourceFormat{
		Kind: domain.RecordFormat(d.str()), Charset: d.str(), Binary: d.bool(),
		Columns:       list(d, 2, func() domain.Declared { return domain.Declared{Name: d.str(), Type: d.str()} }),
		FailOnMissing: d.bool(), IgnoreErrors: d.bool(), Timestamps: domain.TimestampFormat(d.str()),
	}
}
