package stack

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/template"
)

// configText is a hefu.yaml that says what a stack needs and leaves the rest to the
// defaults. Doris's batches are young and come fast: someone watches, and no real Doris suffers.
const configText = `# Made for the stack in this directory; deploy/hefu.yaml has every key and its meaning.
instance: devstack
data_dir: {{printf "%q" .DataDir}}
api:
  listen: 127.0.0.1:0
pipelines:
  - name: {{.Pipeline}}
    hub:
      brokers: [{{printf "%q" .Addresses.Hub}}]
      topic: {{.HubTopic}}
    doris:
      fe: [{{range $i, $at := .Doris.FEs}}{{if $i}}, {{end}}{{printf "%q" $at}}{{end}}]
      mysql: [{{range $i, $at := .Doris.MySQLs}}{{if $i}}, {{end}}{{printf "%q" $at}}{{end}}]
      database: {{.Database}}
      table: {{.Table}}
      batch:
        age: 500ms
        interval: 100ms
    sources:
{{- range .Sources}}
      - {id: {{.ID}}, city: {{printf "%q" .City}}, brokers: [{{printf "%q" $.Addresses.Cities}}], topic: {{.Topic}}}
{{- end}}
`

// ConfigFile is the path of the stack's hefu.yaml.
func (s *Stack) ConfigFile() string { return filepath.Join(s.dir, "hefu.yaml") }

// writeConfig leaves a file that is there alone: it may have been edited.
func (s *Stack) writeConfig() error {
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		return err
	}
	t, err := template.New("hefu.yaml").Parse(configText)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	err = t.Execute(&text, struct {
		state
		Doris                                        DorisReady
		DataDir, Pipeline, HubTopic, Database, Table string
	}{s.state, s.doris, filepath.Join(dir, "data"), Pipeline, HubTopic, Database, Table})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(s.ConfigFile(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	_, err = f.Write(text.Bytes())
	return errors.Join(err, f.Close())
}
