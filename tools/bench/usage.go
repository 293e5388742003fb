package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// usage is what a process and its descendants used so far.
type usage struct {
	cpu  time.Duration // user and system
	peak int64         // resident memory at its highest, bytes
}

// tick is the unit of times in /proc: USER_HZ is 100 on every Linux (proc_pid_stat(5)).
const tick = 10 * time.Millisecond

// Fields of /proc/PID/stat, counted from the one after the command's name.
const (
	fieldSession = 3
	fieldUser    = 11
	fieldSystem  = 12
)

// usage adds up the processes of the session that p leads.
func (p *process) usage() (usage, error) {
	var u usage
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return u, err
	}
	session := strconv.Itoa(p.cmd.Process.Pid)
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		if err != nil {
			continue // it ended meanwhile
		}
		f := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(f) <= fieldSystem || string(f[fieldSession]) != session {
			continue
		}
		for _, field := range []int{fieldUser, fieldSystem} {
			n, err := strconv.ParseInt(string(f[field]), 10, 64)
			if err != nil {
				return u, fmt.Errorf("%s: %w", stat, err)
			}
			u.cpu += time.Duration(n) * tick
		}
		peak, err := peakOf(filepath.Dir(stat))
		if err != nil {
			return u, err
		}
		u.peak += peak
	}
	if u.peak == 0 {
		return u, fmt.Errorf("%s has no process in /proc", p.name)
	}
	return u, nil
}

// peakOf reads VmHWM, the peak resident memory.
func peakOf(dir string) (int64, error) {
	file := filepath.Join(dir, "status")
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, nil //nolint:nilerr // the process ended meanwhile and has no memory
	}
	_, rest, found := bytes.Cut(text, []byte("VmHWM:"))
	f := bytes.Fields(rest)
	if !found || len(f) < 2 {
		return 0, nil // a process that is ending has no memory any more
	}
	n, err := strconv.ParseInt(string(f[0]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	return n << 10, nil
}
