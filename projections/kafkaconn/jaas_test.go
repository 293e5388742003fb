package kafkaconn

import (
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func unbase64(t *testing.T, text string) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "="))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// asKafkaSays is a login in the words of testdata/jaas.txt.
func asKafkaSays(l jaasLogin) string {
	encode := func(s string) string { return "=" + base64.StdEncoding.EncodeToString([]byte(s)) }
	options := slices.Clone(l.options)
	slices.SortFunc(options, func(a, b jaasOption) int { return strings.Compare(a.name, b.name) })
	text := encode(l.module)
	for _, o := range options {
		text += "\t" + encode(o.name) + " " + encode(o.value)
	}
	return text
}

// What Kafka itself makes of 298 texts, most of them odd.
func TestJAASAsKafkaReadsIt(t *testing.T) {
	text, err := os.ReadFile("testdata/jaas.txt")
	if err != nil {
		t.Fatal(err)
	}
	good := 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		in, want, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		given := unbase64(t, in)
		got := "error"
		l, err := parseJAAS(given)
		if err == nil {
			got, good = asKafkaSays(l), good+1
		}
		if got != want {
			t.Errorf("%q: %+v, %v\n got %s\nwant %s", given, l, err, got, want)
		}
	}
	if good < 100 {
		t.Errorf("only %d of the texts are good: they prove little", good)
	}
}

// An error of the parser names what is wrong and never a value.
func TestJAASErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "it names no login module"},
		{"; required;", "it does not begin with the class of a login module"},
		{"a.B", "required is missing after a.B"},
		{"a.B hunter2;", "required is missing after a.B"},
		{"a.B required password=hunter2", "its semicolon at the end is missing"},
		{"a.B required keyTab=/etc/hunter2;", "it has an option without a value; quotes are needed around one that is more than letters, as in keyTab=\"/etc/user.keytab\""},
		{"a.B required x=y; c.D required password=hunter2;", "it has more than one login module"},
	} {
		if _, err := parseJAAS(c.text); err == nil || err.Error() != c.want {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

// FuzzJAAS looks for a panic, and for a text whose login, written anew in quotes,
// is another.
func FuzzJAAS(f *testing.F) {
	f.Add(`com.sun.security.auth.module.Krb5LoginModule required keyTab="/etc/u.keytab" principal='a\101\\';`)
	f.Add("a.B required x=/* */y // z\n;")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := parseJAAS(text)
		if err != nil {
			return
		}
		quote := func(s string) string {
			return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`).Replace(s) + `"`
		}
		again := quote(l.module) + " required"
		for _, o := range l.options {
			again += fmt.Sprintf(" %s=%s", quote(o.name), quote(o.value))
		}
		if got, err := parseJAAS(again + ";"); err != nil || asKafkaSays(got) != asKafkaSays(l) {
			t.Errorf("%q is %+v; written anew %q it is %+v, %v", text, l, again, got, err)
		}
	})
}
