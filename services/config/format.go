package config

import "github.com/hefu-io/hefu/domain"

// Records is how a source's records are read: domain.SourceFormat.
type Records struct {
	Format             string     `yaml:"format"`            // raw or json
	Charset            string     `yaml:"charset,omitempty"` // of raw text, as Java names it; UTF-8 by default
	Type               string     `yaml:"type,omitempty"`    // of a raw record: STRING (default) or BYTES
	Columns            []Declared `yaml:"columns,omitempty"` // that json is declared to hold
	FailOnMissingField bool       `yaml:"fail_on_missing_field,omitempty"`
	IgnoreParseErrors  bool       `yaml:"ignore_parse_errors,omitempty"`
	TimestampFormat    string     `yaml:"timestamp_format,omitempty"` // of json; SQL by default
}

// HubFormat is how hub records are written: domain.HubFormat.
type HubFormat struct {
	TimestampFormat      string   `yaml:"timestamp_format"`
	IgnoreNullFields     bool     `yaml:"ignore_null_fields"`
	DecimalAsPlainNumber bool     `yaml:"decimal_as_plain_number"`
	Key                  string   `yaml:"key"`               // FormatNone or FormatPass
	Headers              string   `yaml:"headers"`           // FormatNone or FormatPass
	Columns              []Column `yaml:"columns,omitempty"` // the original's six by default
}

// Declared is a declared column of a json source.
type Declared struct {
	Name string `yaml:"name"`
	Type string `yaml:"type"` // Flink's SQL type
}

// Column is a column of the hub's value.
type Column struct {
	Name  string `yaml:"name"`
	Type  string `yaml:"type"`            // Flink's SQL type
	From  string `yaml:"from"`            // a domain.From
	Field string `yaml:"field,omitempty"` // with from: field
	Via   string `yaml:"via,omitempty"`   // the type of a time before it became a STRING or BIGINT: domain.Column
}

// The words for keys and headers.
const (
	FormatNone = "none"
	FormatPass = "pass"
)

// Domain is the format as the pipeline's configuration has it.
func (f *HubFormat) Domain() domain.HubFormat {
	out := domain.HubFormat{
		Timestamps: domain.TimestampFormat(f.TimestampFormat), IgnoreNull: f.IgnoreNullFields, DecimalAsPlain: f.DecimalAsPlainNumber,
		PassKey: f.Key == FormatPass, PassHeaders: f.Headers == FormatPass,
	}
	if len(f.Columns) == 0 {
		out.Columns = domain.FlinkColumns()
	}
	for _, c := range f.Columns {
		out.Columns = append(out.Columns, domain.Column{Name: c.Name, Type: c.Type, From: domain.From(c.From), Field: c.Field, Via: c.Via})
	}
	return out
}

// Domain is the format as the pipeline's configuration has it.
func (r *Records) Domain() domain.SourceFormat {
	out := domain.SourceFormat{
		Kind: domain.RecordFormat(r.Format), Charset: r.Charset, Binary: r.Type == "BYTES",
		FailOnMissing: r.FailOnMissingField, IgnoreErrors: r.IgnoreParseErrors, Timestamps: domain.TimestampFormat(r.TimestampFormat),
	}
	for _, c := range r.Columns {
		out.Columns = append(out.Columns, domain.Declared{Name: c.Name, Type: c.Type})
	}
	return out
}
