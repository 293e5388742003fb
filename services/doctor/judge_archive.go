package doctor

import (
	"fmt"
)

// judge judges the place to which sealed segments go.
func (f *archiveFacts) judge(s *system) {
	if f.config.Dir != "" {
		f.judgeFolder(s)
		return
	}
	f.judgeBucket(s)
}

func (f *archiveFacts) judgeFolder(s *system) {
	c := Check{
		Name: "folder " + f.config.Dir, Verdict: Good, Found: "can be written to by this user", Needed: "a folder that hefu's user may write to", Setting: "journal.archive.dir",
		Why: "segments that cannot be archived stay in the store until it is full", Do: "mkdir -p and chown it to hefu's user; is it mounted?",
	}
	switch {
	case f.dirErr != nil:
		c.Verdict, c.Found = Bad, oneLine(f.dirErr.Error())
	case f.fresh:
		c.Found = "not there; the first start makes it"
	}
	s.add(c)
	d := Check{
		Name: "disk", Verdict: Good, Needed: "5 % free, and another disk than the journal's", Setting: "journal.archive.dir", Why: "the archive is what is left when the journal's disk is lost",
		Do: "name a folder on another disk or host, or a bucket",
	}
	switch {
	case f.diskErr != nil:
		d.Verdict, d.Found, d.Do = Unknown, oneLine(f.diskErr.Error()), ""
	case f.disk == nil:
		d.Verdict, d.Found, d.Do = Unchecked, "this system does not tell", ""
	case f.disk.free < f.disk.size/20:
		d.Verdict, d.Found, d.Do = Note, fmt.Sprintf("%s of %s free", bytes(f.disk.free), bytes(f.disk.size)), "make room"
	case f.sameDisk:
		d.Verdict, d.Found = Note, "the same as the journal's: it will be lost with it"
	default:
		d.Found = fmt.Sprintf("%s of %s free, another one than the journal's", bytes(f.disk.free), bytes(f.disk.size))
	}
	s.add(d)
}

func (f *archiveFacts) judgeBucket(s *system) {
	at := f.config.Endpoint + "/" + f.config.Bucket
	c := Check{
		Name: "bucket " + at, Verdict: Good, Found: "answers, and lets us read", Needed: "s3:GetObject and s3:ListBucket", Setting: "journal.archive.endpoint, bucket, region, …_key_file",
		Why: "segments that cannot be archived stay in the store until it is full; what was dropped is read from here",
	}
	switch {
	case f.openErr != nil:
		c.Verdict, c.Found, c.Do = Bad, oneLine(f.openErr.Error()), "put the files there, readable for hefu's user"
	case f.answer == "":
		c.Verdict, c.Found, c.Do = Unknown, oneLine(f.readErr.Error()), "is it up, and can this host reach it?"
	case f.answer == "AccessDenied":
		// A store says the same of a file that is not there to whoever may not list.
		c.Verdict, c.Found, c.Do = Bad, oneLine(f.readErr.Error()), "grant s3:GetObject on the bucket's files and s3:ListBucket on the bucket"
	case f.answer != "NoSuchKey":
		c.Verdict, c.Found, c.Do = Bad, oneLine(f.readErr.Error()), "make the bucket, or compare bucket, region and keys with the store's"
	}
	s.add(c)
	s.add(Check{
		Name: "writing", Verdict: Unchecked, Found: "a store does not tell, and asking would leave a file there", Needed: "s3:PutObject", Setting: "the policy of the store",
		Why: "segments that cannot be archived stay in the store until it is full", Do: "hefu journal archive shows it with the first sealed segment",
	})
}
