package realkafka

import (
	"bytes"
	"testing"
)

// TestClusterIDIsNoOption: one id of 64 would begin with "-".
func TestClusterIDIsNoOption(t *testing.T) {
	option := append([]byte{0xf8}, make([]byte, 15)...)
	id, err := clusterID(bytes.NewReader(append(option, bytes.Repeat([]byte{0xff}, 16)...)))
	if err != nil || id != "_____________________w" {
		t.Errorf("%q, %v; want the second id drawn, the first is -AAAAAAAAAAAAAAAAAAAAA", id, err)
	}
	if id, err := clusterID(bytes.NewReader(option)); err == nil {
		t.Errorf("%q from one that begins with -", id)
	}
}
