package cluster_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

// query runs a statement and gives its rows to each.
func (d *deployment) query(t *testing.T, sql string, args []any, each func(pgx.CollectableRow) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, d.database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, sql, args...)
	if err == nil {
		_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) { return struct{}{}, each(row) })
	}
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func (d *deployment) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	d.query(t, sql, args, func(pgx.CollectableRow) error { return nil })
}

// checkpoint is who has a partition.
type checkpoint struct {
	partition int
	epoch     int64
	owner     string
	next      int64
}

func (d *deployment) checkpoints(t *testing.T) []checkpoint {
	t.Helper()
	var all []checkpoint
	d.query(t, "select partition, epoch, owner, next_offset from roomlog_v1.checkpoints order by 1", nil, func(r pgx.CollectableRow) error {
		var c checkpoint
		err := r.Scan(&c.partition, &c.epoch, &c.owner, &c.next)
		all = append(all, c)
		return err
	})
	return all
}

// owns lists the partitions that a projector claimed last.
func owns(all []checkpoint, p *proc.Process) []checkpoint {
	return slices.DeleteFunc(slices.Clone(all), func(c checkpoint) bool {
		return !strings.HasSuffix(c.owner, fmt.Sprintf("/%d", p.PID()))
	})
}

// moved counts the partitions whose owner has changed.
func moved(before, after []checkpoint) (n int) {
	for i := range min(len(before), len(after)) {
		if before[i].owner != after[i].owner {
			n++
		}
	}
	return n
}

// auditCheckpoints lets the database note every change of a checkpoint that is
// committed: who moved it, from where, under which claim.
func (d *deployment) auditCheckpoints(t *testing.T) {
	t.Helper()
	for _, sql := range []string{
		"create schema audit",
		`create table audit.checkpoints (n bigserial primary key, partition int, epoch bigint, owner text,
			next_offset bigint, epoch_before bigint, next_before bigint)`,
		`create function audit.note() returns trigger language plpgsql as $$
		begin
			insert into audit.checkpoints (partition, epoch, owner, next_offset, epoch_before, next_before)
			values (new.partition, new.epoch, new.owner, new.next_offset, old.epoch, old.next_offset);
			return null;
		end $$`,
		`create trigger audit after update on roomlog_v1.checkpoints for each row execute function audit.note()`,
	} {
		d.exec(t, sql)
	}
}

// checkAudit proves that no projector has ever written under a claim that another
// had taken from it: in the order of their commits, the changes of a partition's
// checkpoint never go back in epoch or offset, each begins where the one before
// ended, and an epoch has one owner. It returns how many changes there were.
func (d *deployment) checkAudit(t *testing.T) (changes, claims int) {
	t.Helper()
	type claim struct {
		epoch, next int64
		owner       string
	}
	last := map[int]claim{}
	d.query(t, `select partition, epoch, owner, next_offset, epoch_before, next_before from audit.checkpoints order by n`, nil,
		func(r pgx.CollectableRow) error {
			var partition int
			var now, before claim
			if err := r.Scan(&partition, &now.epoch, &now.owner, &now.next, &before.epoch, &before.next); err != nil {
				return err
			}
			changes++
			prior, seen := last[partition]
			switch {
			case seen && (prior.epoch != before.epoch || prior.next != before.next):
				t.Errorf("partition %d: %+v follows %+v, but came from %+v", partition, now, prior, before)
			case now.next < before.next:
				t.Errorf("partition %d: %+v goes back from %+v", partition, now, before)
			case now.epoch == before.epoch && seen && now.owner != prior.owner:
				t.Errorf("partition %d: %+v writes under the claim of %+v", partition, now, prior)
			case now.epoch == before.epoch+1 && now.next == before.next:
				claims++
			case now.epoch != before.epoch:
				t.Errorf("partition %d: %+v is no claim of %+v", partition, now, before)
			}
			last[partition] = now
			return nil
		})
	if changes == 0 {
		t.Error("the audit saw no change at all")
	}
	return changes, claims
}
