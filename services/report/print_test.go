package report_test

import (
	"bytes"
	"testing"

	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/report/reporttest"
)

func TestPrint(t *testing.T) {
	for name, e := range map[string]*reporttest.Example{"rich.txt": reporttest.Rich(t), "clean.txt": reporttest.Clean(t)} {
		var b bytes.Buffer
		report.Print(&b, verified(t, e).Report)
		golden(t, name, b.Bytes())
	}
}
