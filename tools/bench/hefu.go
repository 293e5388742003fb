package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// hefuBinary is the file of a built hefu.
type hefuBinary string

// buildHefu builds the command that is measured, from this module.
func buildHefu(ctx context.Context, o options) (hefuBinary, error) {
	if o.hefu != "" {
		return hefuBinary(o.hefu), nil
	}
	binary := filepath.Join(o.dir, "hefu")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/hefu-io/hefu/tools/hefu")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build hefu: %w\n%s", err, out)
	}
	return hefuBinary(binary), nil
}

// start starts `hefu run` on a job, with nothing but what a configuration must say.
// Started again on the same job it goes on where the last process was.
func (h hefuBinary) start(_ context.Context, j job) (*process, error) {
	file := filepath.Join(j.dir, "hefu.yaml")
	text := fmt.Sprintf(`instance: bench
data_dir: %s
api: {listen: "127.0.0.1:0"}
log: {level: warn, format: text}
pipelines:
  - name: %s
    hub: {brokers: [%q], topic: %s}
    sources:
`, filepath.Join(j.dir, "data"), j.name, j.addr, j.hub)
	for _, c := range j.cities {
		text += fmt.Sprintf("      - {id: c%s, city: %q, brokers: [%q], topic: %s}\n", c.code, c.code, j.addr, c.topic)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return nil, err
	}
	return start(j.dir, nameHefu, string(h), "run", "-c", file)
}
