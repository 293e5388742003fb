package flinkimport

import (
	"regexp"
	"strings"
)

// shownSecret stands for a secret in reports.
const shownSecret = "********"

// secretKey says whether an option's value is a secret as a whole.
func secretKey(key string) bool {
	key = strings.ToLower(key)
	for _, part := range []string{"password", "secret", "jaas", "token", "credential", "passwd"} {
		if strings.Contains(key, part) {
			return true
		}
	}
	return strings.HasSuffix(key, ".key") // ssl.keystore.key, fs.s3a.access.key
}

// mask hides what is secret in an option's value: all of it, or the user and password of a URL.
func mask(key, value string) string {
	if secretKey(key) && value != "" {
		return shownSecret
	}
	if strings.Contains(value, "@") && strings.Contains(value, "://") {
		value = userinfo().ReplaceAllString(value, "://"+shownSecret+"@")
	}
	if strings.Contains(strings.ToLower(value), "password=") {
		return shownSecret
	}
	return value
}

func userinfo() *regexp.Regexp { return regexp.MustCompile(`://[^/\s]*@`) }

// masked says whether a document shows a value only in part, as in 172.*.*.* or ********.
func masked(value string) bool {
	return strings.Contains(value, "*") || strings.Contains(strings.ToLower(value), "xxx")
}

// unmasked makes something of a masked address that has the form of one.
func unmasked(value string) string {
	return strings.NewReplacer("*", "0", "xxx", "0", "XXX", "0").Replace(value)
}
