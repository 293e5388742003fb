package report

import (
	"golang.org/x/mod/sumdb/note"
)

// SignAsIs is Seal without any of its checks: what a forger does. count says that he has the
// coverage and the verdict counted, to be found out less easily.
func SignAsIs(r *Report, signer note.Signer, count bool) []byte {
	r.Version, r.Threats = Version, ThreatModel()
	arrange(r)
	if count {
		r.Coverage = Covered(r)
		r.Verdict, r.Why = Judge(r)
	}
	return sign(r, signer)
}

// SignAsVersion signs a report that says to be of another form.
func SignAsVersion(r *Report, signer note.Signer, version int) []byte {
	r.Version = version
	return sign(r, signer)
}

func sign(r *Report, signer note.Signer) []byte {
	text, err := encode(r)
	if err != nil {
		panic(err)
	}
	return SignText(r.Scope.Pipeline, text, signer)
}

// SignText signs whatever bytes somebody takes for a report.
func SignText(pipeline string, text []byte, signer note.Signer) []byte {
	signed, err := note.Sign(&note.Note{Text: signedText(pipeline, text)}, signer)
	if err != nil {
		panic(err)
	}
	file, err := assemble(text, string(signed))
	if err != nil {
		panic(err)
	}
	return file
}

// WithLink is the folder with another way to put a file under its name.
func (k *Kept) WithLink(link func(from, to string) error) *Kept {
	return &Kept{dir: k.dir, link: link}
}
