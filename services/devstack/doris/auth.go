package doris

import (
	"fmt"
	"net"
	"net/http"
)

// admit checks a user and password.
func (s *Server) admit(user, password string) bool { return s.accounts.knows(user, password) }

func accessDenied(r *http.Request, user, password string) string {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	using := "NO"
	if password != "" {
		using = "YES"
	}
	return fmt.Sprintf("Access denied for user '%s@%s' (using password: %s)", user, host, using)
}
