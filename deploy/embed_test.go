package deploy_test

import (
	"strings"
	"testing"

	"github.com/hefu-io/hefu/deploy"
)

func TestDorisStatements(t *testing.T) {
	s := deploy.DorisStatements()
	if len(s) != 2 || !strings.HasPrefix(s[0], "CREATE DATABASE") || !strings.HasPrefix(s[1], "CREATE TABLE ods.ODS_QL_JC_SSJC (") {
		t.Fatalf("want the database and the table, got %d statements: %q", len(s), s)
	}
	if strings.Contains(s[1], "--") || !strings.Contains(s[1], "UNIQUE KEY (hw_partition_id, hw_offset_id)") {
		t.Errorf("want the table with a UNIQUE key, without comments: %s", s[1])
	}
}
