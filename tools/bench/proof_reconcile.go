package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	reports "github.com/hefu-io/hefu/services/report" // report is what bench prints
)

// proofRun is one reconcile of everything.
type proofRun struct {
	file                string // its report
	took, cpu           time.Duration
	hubCPU, dorisCPU    time.Duration // of the stand-ins
	asking              time.Duration // of took: Doris answered
	peak                int64
	journal, hub, doris int64 // bytes read
	rows                int64
}

// reconcile runs `hefu reconcile` as a process of its own.
func (w *proofWorld) reconcile(ctx context.Context) (*proofRun, error) {
	dir := filepath.Join(w.dir, proofPipeline)
	r := &proofRun{file: filepath.Join(dir, "report.json"), rows: w.rows}
	before, err := w.standins()
	if err != nil {
		return nil, err
	}
	answered, began := w.sql.answered.Load(), time.Now()
	p, err := start(dir, "reconcile", string(w.binary), "reconcile", "-c", filepath.Join(dir, "hefu.yaml"), "--sample", "0", "--keep=false", "--report", r.file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.kill() }() // it is gone already, unless something else failed
	var read int64
	err = eventually(ctx, legTimeout, func() (bool, error) {
		// All of them only grow: what was seen last, a moment before the end, is what counts.
		peak, err := peakOf(procOf(p))
		if err != nil {
			return false, err
		}
		r.peak = max(r.peak, peak)
		read = max(read, ioOf(procOf(p), "rchar"))
		select {
		case <-p.exited:
			return true, nil
		default:
			return false, w.doris.running()
		}
	})
	r.took = time.Since(began)
	if err != nil {
		return nil, err
	}
	if !p.cmd.ProcessState.Success() {
		return nil, p.running()
	}
	r.cpu = p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	after, err := w.standins()
	if err != nil {
		return nil, err
	}
	r.hub, r.doris = after[0].written-before[0].written, w.sql.answered.Load()-answered
	r.hubCPU, r.dorisCPU = after[0].cpu-before[0].cpu, after[1].cpu-before[1].cpu
	program, err := os.Stat(string(w.binary)) // it is read for its digest
	if err != nil {
		return nil, err
	}
	r.journal = read - r.hub - r.doris - program.Size()
	text, err := os.ReadFile(r.file)
	if err != nil {
		return nil, err
	}
	proved, err := reports.Verify(text)
	if err != nil {
		return nil, err
	}
	for _, q := range proved.Report.Queries {
		r.asking += q.Took
	}
	return r, nil
}

// served is what a stand-in did so far.
type served struct {
	written int64 // bytes; while Kafka is only asked, these are its answers
	cpu     time.Duration
}

// standins is what Kafka and Doris did so far.
func (w *proofWorld) standins() (out [2]served, err error) {
	for i, p := range []*process{w.stack.process, w.doris} {
		u, err := p.usage()
		if err != nil {
			return out, err
		}
		out[i] = served{ioOf(procOf(p), "wchar"), u.cpu}
	}
	return out, nil
}

func procOf(p *process) string { return filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid)) }

// ioOf reads a count of bytes that went through system calls, sockets' too (proc_pid_io(5)).
func ioOf(dir, name string) int64 {
	text, err := os.ReadFile(filepath.Join(dir, "io"))
	if err != nil {
		return 0 // the process ended meanwhile
	}
	for line := range bytes.Lines(text) {
		if key, value, _ := bytes.Cut(line, []byte(": ")); string(key) == name {
			n, _ := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
			return n
		}
	}
	return 0
}

func mib(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }
