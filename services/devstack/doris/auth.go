package doris

import (
	"fmt"
	"net"
	"net/http"
)

// admit checks a user and password: root with none, and the configured one.
func (s *Server) admit(user, password string) bool {
	switch user {
	case "root":
		return password == ""
	case "":
		return false
	default:
		return user == s.cfg.User && password == s.cfg.Password
	}
}

func accessDenied(r *http.Request, user, password string) string {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	using := "NO"
	if password != "" {
		using = "YES"
	}
	return fmt.Sprintf("Access denied for user '%s@%s' (using password: %s)", user, host, using)
}
