package tables

import (
	"context"
	"fmt"
	"math"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

const checkpointColumns = `partition, log_id, next_offset, last_offset, last_id, epoch, owner, updated, decisions, decisions_log`

// Claim makes the next claim of a partition: $1 partition, $2 log id, $3 owner.
// It returns what [ScanCheckpoint] reads.
const Claim = `INSERT INTO checkpoints AS c (` + checkpointColumns + `)
VALUES ($1, $2, 0, 0, '', 1, $3, 0, 0, '')
ON CONFLICT (partition) DO UPDATE SET epoch = c.epoch + 1, owner = excluded.owner
RETURNING ` + checkpointColumns

// MoveCheckpoint is the fence of a batch; its arguments are [FenceArgs]. It
// touches one row, or none where the claim does not hold any more.
const MoveCheckpoint = `UPDATE checkpoints SET next_offset = $1, last_offset = $2, last_id = $3, updated = $4,
    decisions = CASE WHEN $5 = '' OR (decisions_log = $5 AND decisions > $6) THEN decisions ELSE $6 END,
    decisions_log = CASE WHEN $5 = '' THEN decisions_log ELSE $5 END,
    log_id = CASE WHEN $7 = '' THEN log_id ELSE $7 END
WHERE partition = $8 AND epoch = $9 AND next_offset = $10`

// FenceArgs are the arguments of [MoveCheckpoint].
func FenceArgs(f readmodel.Fence) []any {
	return []any{
		int64(f.Next), int64(f.Last), f.LastID, f.Now, logText(f.DecisionsLog), int64(f.Decisions), logText(f.Log),
		int64(f.Partition), f.Epoch, int64(f.Floor),
	}
}

// logText writes a log's id; the zero id is empty.
func logText(l events.LogID) string {
	if l == (events.LogID{}) {
		return ""
	}
	return l.String()
}

// ScanCheckpoint reads a row of checkpoints.
func ScanCheckpoint(r Row) (readmodel.Checkpoint, error) {
	var c readmodel.Checkpoint
	var log, decisions string
	if err := r.Scan(&c.Partition, &log, &c.Next, &c.Last, &c.LastID, &c.Epoch, &c.Owner, &c.Updated, &c.Decisions, &decisions); err != nil {
		return c, err
	}
	var err error
	if c.Log, err = events.ParseLogID(log); err != nil {
		return c, fmt.Errorf("checkpoint of partition %d: %w", c.Partition, err)
	}
	if decisions != "" {
		if c.DecisionsLog, err = events.ParseLogID(decisions); err != nil {
			return c, fmt.Errorf("checkpoint of partition %d: %w", c.Partition, err)
		}
	}
	return c, nil
}

// Checkpoints of all partitions that were ever claimed.
func (r Reader) Checkpoints(ctx context.Context) ([]readmodel.Checkpoint, error) {
	return list(ctx, r.q, "checkpoints", ScanCheckpoint, math.MaxInt,
		`SELECT `+checkpointColumns+` FROM checkpoints ORDER BY partition`)
}

// Checkpoint of one partition.
func (r Reader) Checkpoint(ctx context.Context, p events.Partition) (readmodel.Checkpoint, bool, error) {
	if a := r.ahead; a != nil && a.Partition == p {
		return a.checkpoint.row, a.checkpoint.ok, nil
	}
	var f found[readmodel.Checkpoint]
	return f.read(ctx, r.q, findCheckpoint(&f, p))
}

func findCheckpoint(f *found[readmodel.Checkpoint], p events.Partition) Query {
	return f.find("checkpoint", ScanCheckpoint, `SELECT `+checkpointColumns+` FROM checkpoints WHERE partition = $1`, int64(p))
}
