-- The table that a pipeline with a `doris:` block loads into. Hefu never makes or alters it: choose one of the two, adapt
-- buckets and replicas, run it once.
--
-- Columns are the original job's nine, under its names. hw_* is the row's place in the hub topic, city_* its place in the
-- city's topic. Key columns come first because Doris wants them first; a load names its columns, so the order binds
-- nobody else.
--
-- At each start Hefu reads the table and loads nothing into one that does not fit; the refusal lists all that is wrong, with
-- the statements. What it asks for, and how a table that is there already gets it:
--
--   hw_offset_id, city_offset_id          BIGINT; the two partitions may be INT.
--   sscsdm                                a text as long as the longest city code: VARCHAR, CHAR or STRING, counted in bytes.
--   extract_time DATETIME(6),             Doris rounds the digits that a DATETIME does not keep, and the row would be
--   city_ts, hw_ts DATETIME(3)            another one:  ALTER TABLE … MODIFY COLUMN extract_time DATETIME(6) NOT NULL;
--   record                                STRING or VARCHAR, and NULL, for a record may have no value; not JSON or VARIANT,
--                                         which write it anew:  ALTER TABLE … MODIFY COLUMN record STRING NULL;
--   in a pipeline with read_hub           NULL in all columns but the three of the hub, whose rows may bring no value:
--                                         ALTER TABLE … MODIFY COLUMN city_ts DATETIME(3) NULL;
--   further columns                       with NULL or a default, since no row brings a value for them:
--                                         ALTER TABLE … MODIFY COLUMN note VARCHAR(20) NULL;
--   a UNIQUE key                          exactly (hw_partition_id, hw_offset_id); no ALTER TABLE changes a key.
--
-- record: Doris cuts nothing, it refuses. A record beyond string_type_length_soft_limit_bytes (1 MiB by default, in be.conf)
-- is left out of the load and listed. Raise that limit and doris.max_record_bytes in hefu.yaml before a source sends larger
-- ones. A VARCHAR bounds it at its own length, at most 65533.
--
-- The user that loads needs two privileges on the database, and no more; labels belong to the database, not to the table:
--
--   CREATE USER 'hefu'@'%' IDENTIFIED BY '…';
--   GRANT SELECT_PRIV, LOAD_PRIV ON ods.* TO 'hefu'@'%';

CREATE DATABASE IF NOT EXISTS ods;

-- doris.model: unique. The key is the hub coordinate, which is never given twice: a range that is loaded again replaces
-- itself. No further key column and no sequence column: with another one a second row could stand beside the first.
CREATE TABLE ods.ODS_QL_JC_SSJC (
  hw_partition_id   BIGINT       NOT NULL COMMENT 'partition in the hub topic',
  hw_offset_id      BIGINT       NOT NULL COMMENT 'offset in the hub topic',
  sscsdm            VARCHAR(16)  NOT NULL COMMENT 'code of the city',
  extract_time      DATETIME(6)  NOT NULL COMMENT 'when the row was taken from the city',
  record            STRING       NULL     COMMENT 'the row as the city sent it',
  city_partition_id BIGINT       NOT NULL COMMENT 'partition in the city topic',
  city_offset_id    BIGINT       NOT NULL COMMENT 'offset in the city topic',
  city_ts           DATETIME(3)  NOT NULL COMMENT 'timestamp in the city topic',
  hw_ts             DATETIME(3)  NOT NULL COMMENT 'timestamp in the hub topic'
)
UNIQUE KEY (hw_partition_id, hw_offset_id)
DISTRIBUTED BY HASH (hw_partition_id, hw_offset_id) BUCKETS 32
PROPERTIES (
  "enable_unique_key_merge_on_write" = "true",
  "replication_num" = "3"
);

-- doris.model: duplicate. Cheaper to load, and nothing replaces anything: a row that came twice stays twice, and is found
-- by the reconciler rather than hidden by the key.
--
-- CREATE TABLE ods.ODS_QL_JC_SSJC (
--   hw_partition_id   BIGINT       NOT NULL COMMENT 'partition in the hub topic',
--   hw_offset_id      BIGINT       NOT NULL COMMENT 'offset in the hub topic',
--   sscsdm            VARCHAR(16)  NOT NULL COMMENT 'code of the city',
--   extract_time      DATETIME(6)  NOT NULL COMMENT 'when the row was taken from the city',
--   record            STRING       NULL     COMMENT 'the row as the city sent it',
--   city_partition_id BIGINT       NOT NULL COMMENT 'partition in the city topic',
--   city_offset_id    BIGINT       NOT NULL COMMENT 'offset in the city topic',
--   city_ts           DATETIME(3)  NOT NULL COMMENT 'timestamp in the city topic',
--   hw_ts             DATETIME(3)  NOT NULL COMMENT 'timestamp in the hub topic'
-- )
-- DUPLICATE KEY (hw_partition_id, hw_offset_id)
-- DISTRIBUTED BY HASH (hw_partition_id, hw_offset_id) BUCKETS 32
-- PROPERTIES (
--   "replication_num" = "3"
-- );
