package stack

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/hefu-io/hefu/deploy"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// What the pipeline of a stack is about; the names are deploy/doris.sql's.
const (
	Pipeline       = "bridge"
	HubTopic       = "ODS_QL_JC_SSJC"
	HubPartitions  = 12
	CityPartitions = 2
	Database       = "ods"
	Table          = "ODS_QL_JC_SSJC"
)

// prepare makes what an operator makes before the first start: topics, table,
// hefu.yaml. What is there already stays as it is. stack.json comes last: a directory
// without it is begun anew.
func (s *Stack) prepare(ctx context.Context) error {
	if err := makeTopics(ctx, s.state.Addresses.Hub, HubPartitions, HubTopic); err != nil {
		return err
	}
	var topics []string
	for _, src := range s.state.Sources {
		topics = append(topics, src.Topic)
	}
	if err := makeTopics(ctx, s.state.Addresses.Cities, CityPartitions, topics...); err != nil {
		return err
	}
	if err := s.makeTable(ctx); err != nil {
		return err
	}
	if err := s.writeConfig(); err != nil {
		return err
	}
	return s.state.save(s.dir)
}

func makeTopics(ctx context.Context, address string, partitions int32, topics ...string) error {
	cl, err := kafkaconn.Dial(kafkaconn.Config{Brokers: []string{address}, ClientID: "hefu-devstack"})
	if err != nil {
		return err
	}
	defer cl.Close()
	for _, t := range topics {
		if err := kafkaconn.EnsureTopic(ctx, cl, t, partitions, nil); err != nil {
			return fmt.Errorf("kafka at %s: %w", address, err)
		}
	}
	return nil
}

func (s *Stack) makeTable(ctx context.Context) error {
	db, err := s.OpenDoris()
	if err != nil {
		return err
	}
	defer db.Close()
	var n int
	err = db.QueryRowContext(ctx, "SELECT count(*) FROM information_schema.tables WHERE table_schema = ? AND table_name = ?", Database, Table).Scan(&n)
	if err != nil {
		return fmt.Errorf("look for table %s.%s: %w", Database, Table, err)
	}
	if n > 0 {
		return nil
	}
	for _, statement := range deploy.DorisStatements() {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", strings.SplitN(statement, "\n", 2)[0], err)
		}
	}
	return nil
}

// OpenDoris connects to the stand-in's MySQL port when it is first asked something.
func (s *Stack) OpenDoris() (*sql.DB, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.InterpolateParams = "tcp", s.state.Addresses.MySQL, "root", true
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, fmt.Errorf("doris at %s: %w", c.Addr, err)
	}
	return sql.OpenDB(connector), nil
}
