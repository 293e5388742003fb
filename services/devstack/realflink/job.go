// Package realflink runs an embedded Flink from Maven packages alone: the real Flink-Doris connector, a client of Doris
// that others wrote, and Flink SQL with its Kafka connector, which the original job is. It needs java, javac and mvn.
package realflink

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

//go:embed LoadJob.java
var source []byte

// Job is one run of the connector with two-phase commit: it loads rows {"id":n,"v":"row n"}, n from 0, as JSON by line.
type Job struct {
	Dir           string        // for classes and checkpoints; made when missing
	Frontends     string        // host:port of front ends, with commas between
	Backends      string        // host:port of back ends; with some the connector asks no front end
	AutoRedirect  bool          // load through the front end's redirect; the connector's own default is true
	Table         string        // database.table
	User          string        //
	Password      string        //
	LabelPrefix   string        //
	Rows          int           //
	PerCheckpoint int           // rows between two checkpoints
	Checkpoint    time.Duration // between two checkpoints, whole milliseconds
	Restore       bool          // go on from the newest checkpoint in Dir
}

// Run runs the job to its end and returns what Flink and the connector logged (warnings and errors). A job that fails
// is not tried again, its error carries the log. Nothing of the process is left when Run returns.
func (j Job) Run(ctx context.Context) (string, error) {
	lib, err := jars(ctx)
	if err != nil {
		return "", err
	}
	classes := filepath.Join(j.Dir, "classes")
	if err := compile(ctx, lib, classes, "LoadJob.java", source); err != nil {
		return "", err
	}
	restore := ""
	if j.Restore {
		if restore, err = newestCheckpoint(filepath.Join(j.Dir, "checkpoints")); err != nil {
			return "", err
		}
	}
	cmd := exec.CommandContext(ctx, "java", "-Xmx512m",
		"--add-opens=java.base/java.lang=ALL-UNNAMED", "--add-opens=java.base/java.util=ALL-UNNAMED",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.log.org.apache.doris=info",
		"-cp", classes+string(filepath.ListSeparator)+filepath.Join(lib, "*"), "LoadJob",
		"fenodes="+j.Frontends, "benodes="+j.Backends, "auto-redirect="+strconv.FormatBool(j.AutoRedirect),
		"table="+j.Table, "user="+j.User, "label-prefix="+j.LabelPrefix,
		"rows="+strconv.Itoa(j.Rows), "per-checkpoint="+strconv.Itoa(j.PerCheckpoint),
		"checkpoint-ms="+strconv.FormatInt(j.Checkpoint.Milliseconds(), 10), "checkpoints="+filepath.Join(j.Dir, "checkpoints"), "restore="+restore)
	cmd.Env = append(os.Environ(), "HEFU_FLINK_PASSWORD="+j.Password) // not on the command line, where all can read it
	log, err := cmd.CombinedOutput()
	if err != nil {
		return string(log), fmt.Errorf("run flink job %s into %s: %w\n%s", j.LabelPrefix, j.Table, err, log)
	}
	return string(log), nil
}

func compile(ctx context.Context, lib, classes, name string, source []byte) error {
	if err := os.MkdirAll(classes, 0o755); err != nil {
		return err
	}
	file := filepath.Join(classes, name)
	if err := os.WriteFile(file, source, 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "javac", "-proc:none", "-cp", filepath.Join(lib, "*"), "-d", classes, file)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compile %s: %w\n%s", file, err, bytes.TrimSpace(out))
	}
	return nil
}

// newestCheckpoint finds the checkpoint that was completed last: one with a _metadata file.
func newestCheckpoint(dir string) (string, error) {
	var newest string
	var at time.Time
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "_metadata" {
			return err
		}
		info, err := d.Info()
		if err == nil && info.ModTime().After(at) {
			newest, at = filepath.Dir(path), info.ModTime()
		}
		return err
	})
	if err == nil && newest == "" {
		err = fmt.Errorf("no checkpoint in %s", dir)
	}
	return newest, err
}
