package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
)

func newVerify() *cobra.Command {
	c := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check a report offline, with nothing but the file and a public key",
		Long: `Verify checks a signed report without asking anything or anybody: that every byte is as it
was signed, by whom, that the journal only grew while it was made, that no window was left
out, and that every sum, the coverage and the verdict follow from what is in it.

Give it the operator's public key, which is in <data_dir>/hefu.key.pub of the machine that made
the report, got on another way than the report. Without --key the key that the report names is
used: then it says that nobody vouches for it.

With --checkpoint the journal is to be the one of checkpoints that you kept: a copy of the file
<data_dir>/checkpoints, one note out of it, or an earlier report. A journal that was set
back or written anew since does not verify, whoever signed.

Exit code 0 when the report verifies and its verdict is verified; 1 when it does not verify, or
verifies and says diverged: the text says which; 2 when it could not be read, when it proves
nothing about a checkpoint, or when its verdict is not checked.`,
		Example: "  hefu verify report.json --key hefu.key.pub\n  hefu verify report.json --key hefu.key.pub --checkpoint checkpoints-of-october",
		Args:    cobra.ExactArgs(1),
	}
	output := outputFlag(c)
	keys := keyFlag(c)
	kept := c.Flags().StringArray("checkpoint", nil, "a file with checkpoints that you kept, or an earlier report; may be given several times")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		list, err := readKeys(*keys)
		if err != nil {
			return err
		}
		file, err := os.ReadFile(args[0])
		if err != nil {
			return fmt.Errorf("read the report: %w", err)
		}
		v, err := verifyKept(file, list, *kept)
		var refused *report.Refused
		if err != nil && !errors.As(err, &refused) {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		if *output == "json" {
			err = writeJSON(cmd.OutOrStdout(), verification(v, refused, len(*kept) > 0))
		} else {
			err = nil
			printVerification(cmd.OutOrStdout(), args[0], v, refused, len(*kept))
		}
		if err != nil {
			return err
		}
		if refused != nil {
			return errNotGood
		}
		return verdictOutcome(v.Report.Verdict)
	}
	return c
}

// keyFlag adds --key and returns where its values will be.
func keyFlag(c *cobra.Command) *[]string {
	return c.Flags().StringArray("key", nil, "the operator's public key, or a file with it; may be given several times")
}

// readKeys reads public keys, each given as itself or in a file, one a line.
func readKeys(given []string) ([]string, error) {
	var out []string
	const secret = "PRIVATE+KEY"
	for _, g := range given {
		if strings.HasPrefix(g, secret) {
			return nil, errors.New("--key has a private key, which signs and is to be seen by nobody: the public one is beside it, in a file that ends in .pub")
		}
		if _, err := note.NewVerifier(g); err == nil {
			out = append(out, g)
			continue
		}
		b, err := os.ReadFile(g)
		if err != nil {
			return nil, fmt.Errorf("key %q is neither a public key nor a file with one: %w", g, err)
		}
		for line := range strings.Lines(string(b)) {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			if strings.HasPrefix(line, secret) {
				return nil, fmt.Errorf("key file %s has a private key, which signs and is to be seen by nobody: give %s.pub", g, g)
			}
			if _, err := note.NewVerifier(line); err != nil {
				return nil, fmt.Errorf("key file %s: a line of it is no public key: %w", g, err)
			}
			out = append(out, line)
		}
	}
	if len(given) > 0 && len(out) == 0 {
		return nil, fmt.Errorf("no public key in %s", strings.Join(given, ", "))
	}
	return out, nil
}

// verifyKept verifies a report and holds it against every file of kept checkpoints.
func verifyKept(file []byte, keys, kept []string) (*report.Verified, error) {
	v, err := report.Verify(file, keys...)
	if err != nil {
		return nil, err
	}
	for _, name := range kept {
		b, err := os.ReadFile(name)
		if err != nil {
			return v, fmt.Errorf("read kept checkpoints: %w", err)
		}
		with := keys
		if len(with) == 0 {
			with = []string{v.Key}
		}
		heads, err := report.ReadKept(b, with...)
		if err != nil {
			// Not a problem of the report: %v, so that nobody takes it for one.
			return v, fmt.Errorf("checkpoints %s: %v", name, err) //nolint:errorlint // see above
		}
		if err := v.Contains(heads); err != nil {
			return v, err
		}
	}
	return v, nil
}

// verificationJSON is what verify says as JSON.
type verificationJSON struct {
	Verifies bool             `json:"verifies"`
	Problems []string         `json:"problems"`
	Digest   *domain.Hash     `json:"sha256,omitempty"`
	Key      string           `json:"key,omitempty"`
	Vouched  bool             `json:"vouched"`
	Foreign  []report.Foreign `json:"foreign,omitempty"` // checkpoints in it that another key signed
	Kept     bool             `json:"kept_checkpoints"`
	Verdict  domain.Verdict   `json:"verdict,omitempty"`
	Why      string           `json:"why,omitempty"`
}

func verification(v *report.Verified, refused *report.Refused, kept bool) *verificationJSON {
	out := &verificationJSON{Verifies: refused == nil, Problems: []string{}}
	if refused != nil {
		for _, p := range refused.Problems {
			out.Problems = append(out.Problems, p.String())
		}
		return out
	}
	out.Digest, out.Key, out.Vouched, out.Kept, out.Verdict, out.Why = &v.Digest, v.Key, v.Vouched, kept, v.Report.Verdict, v.Report.Why
	out.Foreign = v.Foreign()
	return out
}

func printVerification(w io.Writer, name string, v *report.Verified, refused *report.Refused, kept int) {
	if refused != nil {
		fmt.Fprintf(w, "%s does NOT verify; believe nothing in it:\n%s\n", name, refused)
		return
	}
	r := v.Report
	fmt.Fprintf(w, "%s verifies: it is as it was signed, and everything in it adds up\n", name)
	if v.Vouched {
		fmt.Fprintf(w, "signed with %s, which you gave\n", v.Key)
	} else {
		fmt.Fprintf(w, "signed with %s: the key that the report itself names; NOBODY VOUCHES FOR IT, give the operator's with --key\n", v.Key)
	}
	for _, f := range v.Foreign() {
		fmt.Fprintf(w, "stream %s up to %d is signed by another key, too, of the process that writes it: %s\n", f.Stream, f.Seq, f.Key)
	}
	fmt.Fprintf(w, "pipeline %s, journal %s, looked at %s to %s\n", r.Scope.Pipeline, r.Journal.ID, r.Began.Format(timeText), r.Done.Format(timeText))
	switch {
	case kept > 0:
		fmt.Fprintln(w, "its journal has all that it had at the checkpoints that were kept")
	default:
		fmt.Fprintln(w, "not compared with a checkpoint that somebody kept (--checkpoint): that the journal is no older one rests on the signature")
	}
	for _, c := range r.Coverage {
		left, right := report.Places(c.Proof)
		fmt.Fprintf(w, "%s → %s: %d of %d rows verified, %d in windows that differ, %d not checked, %d on their way\n", left, right, c.Verified, c.Rows, c.Diverged, c.NotChecked, c.Pending)
	}
	fmt.Fprintf(w, "the report says: %s: %s\n", r.Verdict, r.Why)
}

const timeText = "2006-01-02T15:04:05Z07:00"

// verdictOutcome is the exit code that a verdict has.
func verdictOutcome(v domain.Verdict) error {
	switch v {
	case domain.Verified:
		return nil
	case domain.NotChecked:
		return unanswered{}
	default:
		return errNotGood
	}
}
