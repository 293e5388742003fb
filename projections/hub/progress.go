package hub

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
)

// progressVersion is the version of the record's form; another one was written by a
// later release.
const progressVersion = 1

// progress is a progress record as it was found.
type progress struct {
	domain.ProgressRecord
	Bytes  int64 // of the values of its transaction
	Offset int64 // in the progress partition
}

// rows is the number of rows that its transaction carried.
func (p *progress) rows() (n int64) {
	for _, r := range p.Runs {
		n += r.N
	}
	return n
}

// progressForm is the record as JSON, for people with a console consumer too. Runs
// are (ingest seq, run, first ordinal, n, hub partition, first hub offset).
type progressForm struct {
	Version int        `json:"v"`
	Journal string     `json:"journal"`
	Begun   refForm    `json:"begun"`
	Cursor  refForm    `json:"cursor"`
	Cluster string     `json:"cluster"`
	TopicID string     `json:"topic_id"`
	Bytes   int64      `json:"bytes"`
	Runs    [][6]int64 `json:"runs"`
}

type refForm struct {
	Stream string     `json:"stream"`
	Seq    domain.Seq `json:"seq"`
	Hash   string     `json:"hash"`
}

func formOf(r domain.Ref) refForm {
	return refForm{Stream: r.Stream.String(), Seq: r.Seq, Hash: r.Hash.String()}
}

func (f refForm) ref() (domain.Ref, error) {
	s, err := domain.ParseStream(f.Stream)
	if err != nil {
		return domain.Ref{}, err
	}
	h, err := domain.ParseHash(f.Hash)
	return domain.Ref{Stream: s, Seq: f.Seq, Hash: h}, err
}

func encodeProgress(p *progress) ([]byte, error) {
	f := progressForm{
		Version: progressVersion, Journal: p.Journal.String(),
		Begun: formOf(p.Begun), Cursor: formOf(p.Cursor),
		Cluster: p.ClusterID, TopicID: hex.EncodeToString(p.TopicID[:]), Bytes: p.Bytes,
		Runs: make([][6]int64, len(p.Runs)),
	}
	for i, r := range p.Runs {
		f.Runs[i] = [6]int64{int64(r.Ingest), int64(r.Run), r.First, r.N, int64(r.Partition), r.Offset}
	}
	b, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("encode progress record of %s: %w", p.Begun, err)
	}
	return b, nil
}

func decodeProgress(b []byte) (*progress, error) {
	var f progressForm
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	if f.Version != progressVersion {
		return nil, fmt.Errorf("form %d is unknown to this release, which reads %d: use the release that wrote it", f.Version, progressVersion)
	}
	p := &progress{Bytes: f.Bytes}
	p.ClusterID = f.Cluster
	topic, err := hex.DecodeString(f.TopicID)
	if err == nil && copy(p.TopicID[:], topic) != len(p.TopicID) {
		err = fmt.Errorf("topic id %q", f.TopicID)
	}
	var errs [3]error
	p.Journal, errs[0] = domain.ParseJournalID(f.Journal)
	p.Begun, errs[1] = f.Begun.ref()
	p.Cursor, errs[2] = f.Cursor.ref()
	for _, r := range f.Runs {
		p.Runs = append(p.Runs, domain.HubRun{
			Ingest: domain.Seq(r[0]), Run: int(r[1]), First: r[2], N: r[3], Partition: int32(r[4]), Offset: r[5],
		})
	}
	return p, errors.Join(err, errs[0], errs[1], errs[2])
}
