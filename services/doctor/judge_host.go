package doctor

import (
	"fmt"
	"time"
)

const (
	certificateNote = 30 * 24 * time.Hour
	filesNeeded     = 4096
)

// judge judges this host: what doctor's own user sees of it.
func (f *hostFacts) judge(s *system, at time.Time) {
	f.judgeDisk(s)
	if f.soft > 0 || f.limitErr != nil {
		c := Check{
			Name: "open files", Verdict: when(f.soft >= filesNeeded, Note), Found: fmt.Sprintf("%d in this shell (at most %d)", f.soft, f.hard), Needed: fmt.Sprint(filesNeeded),
			Setting: "ulimit -n; LimitNOFILE of the service's unit", Why: "a connection to each broker and the journal's files; without descriptors nothing is opened",
			Do: fmt.Sprintf("ulimit -n %d, LimitNOFILE=%d in the unit", filesNeeded, 1<<16),
		}
		if f.limitErr != nil {
			c.Verdict, c.Found = Unknown, oneLine(f.limitErr.Error())
		}
		s.add(c)
	}
	good, first := 0, time.Duration(0)
	for i := range f.paths {
		p := &f.paths[i]
		if c := p.judge(at); c.Verdict != Good {
			s.add(c)
			continue
		}
		good++
		if left := p.expires.Sub(at); p.kind == certificateFile && (first == 0 || left < first) {
			first = left
		}
	}
	if good > 0 {
		c := Check{
			Name: "files", Verdict: Good, Found: fmt.Sprintf("%s can be read, secrets by nobody else", counted(good, "configured file")),
			Setting: "…_file keys", Why: "a secret that is missing stops the next connection, not this one",
		}
		if first > 0 {
			c.Found += "; the first certificate ends in " + span(first)
		}
		s.add(c)
	}
}

func (f *hostFacts) judgeDisk(s *system) {
	c := Check{
		Name: "disk of " + f.dir, Needed: "5 % free, of room and of inodes", Setting: "data_dir", Why: "a disk that is full stops the journal and what else writes to it",
		Do: "make room, or move data_dir",
	}
	switch d := f.disk; {
	case f.diskErr != nil:
		c.Verdict, c.Found, c.Do = Unknown, oneLine(f.diskErr.Error()), ""
	case d == nil:
		c.Verdict, c.Found, c.Do = Unchecked, "this system does not tell", ""
	default:
		c.Found = fmt.Sprintf("%s of %s free", bytes(d.free), bytes(d.size))
		if d.inodesSize > 0 {
			c.Found += fmt.Sprintf(", %s of %s inodes", count(d.inodes), count(d.inodesSize))
		}
		c.Verdict = when(d.free >= d.size/20 && d.inodes >= d.inodesSize/20, Note)
	}
	s.add(c)
}

// judge judges one file that the configuration names.
func (p *pathFacts) judge(at time.Time) Check {
	c := Check{Name: "file " + p.path, Verdict: Good, Setting: p.key, Needed: "readable", Why: "the next connection needs it"}
	left := p.expires.Sub(at)
	switch {
	case p.err != nil:
		c.Verdict, c.Found, c.Do = Bad, oneLine(p.err.Error()), "put it there, readable for hefu's user"
	case p.kind == secretFile && p.mode&0o007 != 0:
		c.Verdict, c.Found, c.Needed = Bad, fmt.Sprintf("mode %04o", p.mode), "0600, or 0640 with hefu's group"
		c.Why, c.Do = "every user of this host can read the secret", "chmod o= "+p.path
	case p.kind == certificateFile && left < 0:
		c.Verdict, c.Found, c.Needed = Bad, fmt.Sprintf("ended %s ago (%s)", span(-left), p.subject), "a certificate that is valid"
		c.Why, c.Do = "no TLS connection succeeds", "renew it; it is read again at each handshake, except ca_file: at each opening"
	case p.kind == certificateFile && left < certificateNote:
		c.Verdict, c.Found, c.Needed = Note, fmt.Sprintf("ends in %s (%s)", span(left), p.subject), "30 days left"
		c.Why, c.Do = "after that no TLS connection succeeds", "renew it"
	}
	return c
}
