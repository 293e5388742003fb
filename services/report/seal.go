package report

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// Seal finishes a report and gives its file: it counts the coverage, gives the verdict, signs,
// and verifies what it made as an auditor will, with the key in r.Journal. Errors: *Refused
// for contents that do not add up, which nobody should be given.
func Seal(r *Report, signer note.Signer) ([]byte, error) {
	r.Version = Version
	if len(r.Threats) == 0 {
		r.Threats = ThreatModel()
	}
	arrange(r)
	r.Coverage = Covered(r)
	r.Verdict, r.Why = Judge(r)
	text, err := encode(r)
	if err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: signedText(r.Scope.Pipeline, text)}, signer)
	if err != nil {
		return nil, fmt.Errorf("sign the report: %w", err)
	}
	file, err := assemble(text, string(signed))
	if err != nil {
		return nil, err
	}
	if _, err := Verify(file, r.Journal.Key); err != nil {
		return nil, fmt.Errorf("the report of pipeline %s is not to be given to anybody: %w", r.Scope.Pipeline, err)
	}
	return file, nil
}

// signedText is what the signature is of.
func signedText(pipeline string, report []byte) string {
	digest := sha256.Sum256(report)
	return fmt.Sprintf("hefu.io/report/v%d\n%s\n%s\n", Version, pipeline, base64.StdEncoding.EncodeToString(digest[:]))
}

// ThreatModel says what a report proves, against whom, and what not.
func ThreatModel() []string {
	return []string{
		"The signature proves that whoever holds the key wrote this report, and that no byte of it was changed since. The key is worth as much as the way on which you got it: take it from the operator on another way than the report.",
		"The checkpoints prove that the journal only grew between them, and that the last event that was looked at is in it. Whoever administers the journal's store can destroy it, but not change, drop or reorder an event without breaking a proof.",
		"Whoever holds the signing key can forge what comes from now on, but nothing before a checkpoint that somebody else kept. Keep the file of checkpoints or an older report elsewhere, and verify each new report against it.",
		"Equal vectors (counts, exact sums of offsets and of 64-bit digests of the rows) leave no room for accidents. They are no defence against somebody who makes rows so that their digests add up: against that stand the hash chain and the stored checksums of the batches.",
		"The reconciler reads the hub and the table itself and shares no code with what moved the rows. It takes from the journal what a city had: only what is listed as read again was held against the city itself.",
		"A report says what was so while it was made. It says nothing about what the systems of record lose afterwards; the next report does.",
		"Rows that are on their way, and everything under \"not checked\", are in no sum of verified rows.",
	}
}
