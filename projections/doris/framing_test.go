package doris

import "testing"

// TestFraming: the original's pair makes arrays.
func TestFraming(t *testing.T) {
	for _, c := range []struct {
		properties map[string]string
		want       framing
	}{
		{nil, framing{}},
		{map[string]string{"read_json_by_line": "true"}, framing{}},
		{map[string]string{"read_json_by_line": "true", "strip_outer_array": "false"}, framing{}},
		{map[string]string{"read_json_by_line": "true", "Strip_Outer_Array": "true"}, framing{array: true}},
		{map[string]string{"strip_outer_array": "TRUE"}, framing{array: true}},
		{map[string]string{"compress_type": "GZ"}, framing{gzip: true}},
	} {
		if got := framingOf(c.properties); got != c.want {
			t.Errorf("%v: %+v, want %+v", c.properties, got, c.want)
		}
	}
}
