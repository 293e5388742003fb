package doctor

import (
	"time"

	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
)

// facts is everything that was found out, before anybody judged it.
type facts struct {
	at        time.Time
	journal   journalFacts
	signing   signingFacts
	archive   *archiveFacts // nil: there is none
	host      hostFacts
	pipelines []pipelineFacts
}

type pipelineFacts struct {
	config  *config.Pipeline
	hub     kafkaFacts
	sources []sourceFacts
	doris   *dorisFacts   // nil: the pipeline has no table
	lineage *lineageFacts // nil: it has no lineage
}

// sourceFacts is one entry of sources, or the hub topic of a read_hub.
type sourceFacts struct {
	id      string // as in the journal, without a topic
	reading *config.Reading
	kafka   kafkaFacts
	began   bool   // the journal has a position: the start mode counts no more
	from    string // who said how far the journal is; empty: nobody
}

// kafkaFacts is what a cluster says.
type kafkaFacts struct {
	brokers []string
	who     string // "User:<name>" as ACLs name us, as far as the configuration says it
	err     error  // it could not be asked anything
	cluster string
	nodes   int
	limits  kafkaconn.Limits
	limErr  error
	// open to everybody: the cluster has no authorizer.
	open   bool
	topics []topicFacts
	// noTopic says that a pattern meets no topic.
	noTopic bool
	group   *groupFacts
	backlog *backlogFacts // of the hub, before the first start of a cutover
	// ids are our transactional ids with the broker's answer to whether we may describe
	// them; nil where they were not asked for.
	ids map[string]error
	// makeTopics says whether we may create topics; nil where the cluster does not tell.
	makeTopics *bool
}

// topicFacts is what a cluster says of one topic.
type topicFacts struct {
	name   string
	broker string // one of its cluster's, for commands
	who    string // as in kafkaFacts
	err    error  // it could not be asked about
	absent bool
	topic  kafkaconn.Topic
	limits kafkaconn.TopicLimits
	may    operations
	parts  []partFacts
	openAt []kafkaconn.OpenTransaction
	opErr  error // why openAt is not all
	// newest is the largest timestamp of a row; zero where there is none or it is not told.
	newest time.Time
}

// partFacts is a partition with the times of the rows that are next to go.
type partFacts struct {
	id     int32
	bounds kafkaconn.Bounds
	// cursor is where reading goes on, negative when that is not known.
	cursor int64
	// oldest and unread are the times of the rows at the log start and at the cursor; zero
	// where they were not needed or not found.
	oldest, unread time.Time
}

// groupFacts are the offsets of a consumer group.
type groupFacts struct {
	name   string
	err    error
	absent bool // the cluster has no such group, or hides it
	may    operations
	// committed are the offsets by topic and partition.
	committed map[string]map[int32]int64
}

// dorisFacts is what a Doris cluster says.
type dorisFacts struct {
	config *config.Doris
	err    error // nobody could be asked
	fronts []frontFacts
	// cluster and backs are empty where their errors say why.
	cluster  []row
	frontErr error
	backs    []row
	backErr  error
	reached  map[string]error // back ends that are alive by their own address
	table    string           // what is wrong with it; empty: it fits
	tableErr error
	settings map[string]string
	setErr   error
	versions int64 // of the tablet with the most
	tablets  int
	versErr  error
	orphans  []orphan
	orphErr  error
	skew     time.Duration // Doris's clock less ours
	rtt      time.Duration // how long the question for it took
	skewErr  error
}

// frontFacts is one configured address of a front end.
type frontFacts struct {
	address string
	err     error
}

// row is a line of an answer, by the names of its columns in lower case.
type row map[string]string

// orphan is a load that Doris holds without an end.
type orphan struct {
	label, state string
	since        time.Time // zero where it is not told
}

// journalFacts is what the journal's store says.
type journalFacts struct {
	config *config.Journal
	err    error // it could not be asked
	dir    string
	dirErr error // why it cannot be written to
	// Of the embedded one.
	fresh   bool  // nothing is there yet
	held    int64 // bytes of what is there
	running string
	locked  bool
	// Of an external one.
	servers []natsFacts
	account natsAccount
	streams []natsStream
	strErr  error
	drift   error
	// Of both.
	payload int64
}

// natsFacts is one configured server.
type natsFacts struct {
	url, version, cluster string
	err                   error
	payload               int64
}

type natsAccount struct {
	err                 error
	storage, used       int64 // limit (negative: none) and use in bytes
	copies              int64 // how often each byte counts for them
	streams, streamsMax int   // the limit is negative where there is none
}

// natsStream is a stream of ours, with its server's clock.
type natsStream struct {
	name     string
	replicas int
	leader   string
	behind   []string // copies that are gone or lag
	skew     time.Duration
	skewed   bool // skew is known
	bytes    int64
}

// hostFacts is this host.
type hostFacts struct {
	dir        string
	disk       *diskFacts // nil where the system does not tell
	diskErr    error
	soft, hard uint64 // open files of a process of this shell; zero where nothing is told
	limitErr   error
	paths      []pathFacts
}

type diskFacts struct {
	free, size         int64 // bytes; free for us
	inodes, inodesSize int64 // zero where there are none
}

// pathFacts is a file that the configuration names.
type pathFacts struct {
	key, path string
	kind      fileKind
	err       error
	mode      uint32
	expires   time.Time // of a certificate, the earliest in the file
	subject   string
}
