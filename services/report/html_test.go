package report_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	_ "time/tzdata" // the examples are of a zone that a bare machine may not know

	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/report/reporttest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is another one: look at what changed, then go test ./services/report -update", path)
	}
}

func verified(t *testing.T, e *reporttest.Example) *report.Verified {
	t.Helper()
	v, err := report.Verify(e.Seal(), e.Key)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func page(t *testing.T, v *report.Verified) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.HTML(&b, v, "report.json"); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestHTML demands that a page has everything in it and needs nothing from outside.
func TestHTML(t *testing.T) {
	rich := page(t, verified(t, reporttest.Rich(t)))
	golden(t, "rich.html", []byte(rich))
	for _, text := range append(sections(),
		"10 findings: 2 lost, 1 doubled, 1 altered, 1 swapped, 1 former, 1 reordered, 3 more that are not listed", "南京",
		"Accepted</b> by li.na", "Doris answered with an error: memory limit exceeded", "deleted (not innocent)", "journal → hub", "hefu verify report.json --key",
	) {
		if !strings.Contains(rich, text) {
			t.Errorf("the page lacks %q", text)
		}
	}
	outside := regexp.MustCompile(`(?i)<script|<link|<img|<iframe|\bsrc=|@import|https?://|ZgotmplZ|\bon[a-z]+=`)
	if found := outside.FindString(rich); found != "" {
		t.Errorf("the page needs something from outside, or is not escaped: %q", found)
	}
}

// sections are the parts of a page, findings first.
func sections() []string {
	var out []string
	for _, id := range []string{
		"findings", "coverage", "unchecked", "windows", "lag", "gaps", "books", "journal", "positions", "outcomes", "queries", "method", "threats", "verify",
	} {
		out = append(out, `<section id="`+id+`">`)
	}
	return out
}

// TestHTMLOfThousandsOfWindows demands a page that can still be read.
func TestHTMLOfThousandsOfWindows(t *testing.T) {
	e := reporttest.Large(t)
	large := page(t, verified(t, e))
	if n := len(e.Report.Windows); n < 3_000 {
		t.Fatalf("only %d windows", n)
	}
	if len(large) > 250_000 {
		t.Errorf("%d bytes", len(large))
	}
	for _, track := range regexp.MustCompile(`(?s)<div class="track">.*?</svg>`).FindAllString(large, -1) {
		if n := strings.Count(track, "<rect"); n > 120 {
			t.Errorf("a track of %d cells", n)
		}
	}
	if !strings.Contains(large, "20 partitions, one after the other: ") {
		t.Error("a city of 20 partitions takes more than one line")
	}
}

// TestHTMLEscapes gives the page texts that want to be more than text.
func TestHTMLEscapes(t *testing.T) {
	e := reporttest.Clean(t)
	e.Report.Software.Host = `<script>alert(1)</script>`
	e.Report.Queries[0].Text = `SELECT "</pre><img src=x onerror=alert(1)>" < 3`
	text := page(t, verified(t, e))
	if strings.Contains(text, "<script>") || strings.Contains(text, "<img") {
		t.Error("a text became a part of the page")
	}
	if !strings.Contains(text, "&lt;script&gt;") {
		t.Error("the text is not there at all")
	}
}

// broken is a writer that takes some bytes and no more.
type broken struct{ left int }

var errBroken = errors.New("no room")

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errBroken
	}
	return len(p), nil
}

func TestHTMLWriteFails(t *testing.T) {
	if err := report.HTML(&broken{5_000}, verified(t, reporttest.Clean(t)), "report.json"); !errors.Is(err, errBroken) {
		t.Errorf("want the writer's error, got %v", err)
	}
}
