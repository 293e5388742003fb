package embedded

import "fmt"

// fatal is a log of the server that keeps the first reason why it does not start: a
// server that is embedded only logs it and is then never ready.
type fatal chan string

// Fatalf keeps the reason.
func (f fatal) Fatalf(format string, v ...any) {
	select {
	case f <- fmt.Sprintf(format, v...):
	default: // the first one is the reason
	}
}

func (fatal) Noticef(string, ...any) {}
func (fatal) Warnf(string, ...any)   {}
func (fatal) Errorf(string, ...any)  {}
func (fatal) Debugf(string, ...any)  {}
func (fatal) Tracef(string, ...any)  {}
