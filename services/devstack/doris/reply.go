package doris

import (
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// loadReply is the back end's answer to a load, in its order of fields. HTTP status is 200 in every case.
type loadReply struct {
	TxnID              int64  `json:"TxnId"`
	Label              string `json:"Label"`
	Comment            string `json:"Comment"`
	TwoPhaseCommit     string `json:"TwoPhaseCommit"`
	Status             string `json:"Status"`
	ExistingJobStatus  string `json:"ExistingJobStatus,omitempty"`
	Message            string `json:"Message"`
	TotalRows          int64  `json:"NumberTotalRows"`
	LoadedRows         int64  `json:"NumberLoadedRows"`
	FilteredRows       int64  `json:"NumberFilteredRows"`
	UnselectedRows     int64  `json:"NumberUnselectedRows"`
	LoadBytes          int64  `json:"LoadBytes"`
	LoadTimeMs         int64  `json:"LoadTimeMs"`
	BeginTxnTimeMs     int64  `json:"BeginTxnTimeMs"`
	StreamLoadPutMs    int64  `json:"StreamLoadPutTimeMs"`
	ReadDataTimeMs     int64  `json:"ReadDataTimeMs"`
	WriteDataTimeMs    int64  `json:"WriteDataTimeMs"`
	ReceiveDataTimeMs  int64  `json:"ReceiveDataTimeMs"`
	CommitAndPublishMs int64  `json:"CommitAndPublishTimeMs"`
	ErrorURL           string `json:"ErrorURL,omitempty"`
	FirstErrorMsg      string `json:"FirstErrorMsg,omitempty"`
}

const (
	statusSuccess        = "Success"
	statusPublishTimeout = "Publish Timeout"
	statusLabelExists    = "Label Already Exists"
	statusFail           = "Fail"
)

// secondPhaseReply is the back end's answer to a commit or abort; HTTP status is 200 in every case.
type secondPhaseReply struct {
	Status string `json:"status"`
	Msg    string `json:"msg"`
}

// writePretty prints as the back end does: four spaces, and a line end.
func writePretty(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "    ")
	_ = enc.Encode(v) // the client is gone, or it has its answer
}

// zipped sends JSON replies in gzip to clients that accept it, as a back end does.
func zipped(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			next.ServeHTTP(w, r)
			return
		}
		z := &zipWriter{ResponseWriter: w}
		next.ServeHTTP(z, r)
		if z.zip != nil {
			_ = z.zip.Close() // the client is gone, or it has its answer
		}
	})
}

// zipWriter decides at the first byte of a body.
type zipWriter struct {
	http.ResponseWriter
	zip   *gzip.Writer
	began bool
}

func (z *zipWriter) Write(p []byte) (int, error) {
	if !z.began {
		z.began = true
		if z.Header().Get("Content-Type") == "application/json" {
			z.Header().Set("Content-Encoding", "gzip")
			z.zip = gzip.NewWriter(z.ResponseWriter)
		}
	}
	if z.zip != nil {
		return z.zip.Write(p)
	}
	return z.ResponseWriter.Write(p)
}

func sinceMs(t time.Time) int64 { return time.Since(t).Milliseconds() }
