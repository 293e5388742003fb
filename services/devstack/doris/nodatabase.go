package doris

import "net/http"

// withoutDB answers the second phase of no database; a ServeMux would send its path, with two slashes, elsewhere.
func (b *backEnd) withoutDB(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && r.URL.Path == "/api//_stream_load_2pc" {
			b.secondPhase(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
