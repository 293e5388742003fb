package doctor

import "fmt"

// judge judges what vouches for the journal.
func (f *signingFacts) judge(s *system) {
	f.judgeKey(s)
	if f.inside {
		s.add(Check{
			Name: "place of the key", Verdict: Note, Found: "in data_dir, beside what it signs", Needed: "another folder, and a copy apart from this host", Setting: "journal.checkpoint.key_file",
			Why: "whoever takes or restores the data directory as a whole can also sign in Hefu's name", Do: "stop hefu, move the key, and name its place",
		})
	}
	f.judgeCheckpoints(s)
	if f.heads > 0 {
		f.judgeTrees(s)
	}
}

func (f *signingFacts) judgeKey(s *system) {
	c := Check{
		Name: "key " + f.key, Verdict: Good, Found: "can be used, by nobody else", Needed: "mode 0600", Setting: "journal.checkpoint.key_file",
		Why: "it signs checkpoints and reports; whoever reads it can sign, too",
	}
	switch {
	case f.keyErr != nil:
		c.Verdict, c.Found, c.Do = Bad, oneLine(f.keyErr.Error()), "put the key back from a copy, readable for hefu's user; a new one cannot sign for the old"
	case f.noKey && f.heads > 0:
		c.Verdict, c.Found, c.Do = Note, "not there, though checkpoints were signed; the next start makes another one", "put it back from a copy: else whoever verifies needs both public keys"
	case f.noKey:
		c.Found = "not there; the first start makes it"
	case f.mode&0o077 != 0:
		c.Verdict, c.Found, c.Do = Bad, fmt.Sprintf("mode %04o", f.mode), "chmod 600 "+f.key
	}
	s.add(c)
}

func (f *signingFacts) judgeCheckpoints(s *system) {
	c := Check{
		Name: "checkpoints", Verdict: Good, Found: counted(f.heads, "stream") + ", each signed as it was written", Needed: "readable, and as they were signed", Setting: "data_dir",
		Why: "a start compares the journal with them, and refuses one that was cut or rewritten",
	}
	switch {
	case f.fileErr != nil:
		c.Verdict, c.Found, c.Do = Bad, oneLine(f.fileErr.Error()), "docs/journal.md: put it back from a copy; hefu does not start"
	case f.noFile:
		c.Found = f.file + " is not there; the first checkpoint makes it"
	}
	s.add(c)
}

func (f *signingFacts) judgeTrees(s *system) {
	c := Check{
		Name: "trees", Verdict: Good, Found: fmt.Sprintf("%d, each as long as what was signed", f.trees), Needed: "one for each checkpoint; what is in them is read by the start and hefu journal verify", Setting: "data_dir",
		Why: "they prove that one checkpoint goes on from the other",
	}
	switch {
	case f.treeErr != nil:
		c.Verdict, c.Found, c.Do = Bad, oneLine(f.treeErr.Error()), "run doctor as hefu's user; if it is, chown the files"
	case len(f.short) > 0:
		c.Verdict, c.Found, c.Do = Note, "gone or shorter than what was signed: "+some(f.short), "nothing: the next start makes them again from the streams"
	}
	s.add(c)
}
