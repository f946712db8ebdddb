package sqlite

import (
	"encoding/json"
	"fmt"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

// The lists of what a batch needs come as JSON: one statement a table, however
// many rows.
const (
	wantedRooms = `WITH n(tenant, room) AS MATERIALIZED (SELECT value->>0, value->>1 FROM json_each($1)) `
	wantedIDs   = `WITH n(tenant, room, id) AS MATERIALIZED (SELECT value->>0, value->>1, value->>2 FROM json_each($1)) `
)

// want is a statement, the list that it takes and what takes its rows.
type want struct {
	name, sql string
	list      *tables.Wanted
	row       func(tables.Row) error
}

func wanted(p *tables.Prefetch) []want {
	return []want{
		{"headers", wantedRooms + tables.NeededHeaders, &p.Headers, p.Header},
		{"blocked", wantedRooms + tables.NeededBlocked, &p.Blocked, p.BlockedRoom},
		{"members", wantedIDs + tables.NeededMembers, &p.Members, p.Member},
		{"priors", wantedIDs + tables.NeededPriors, &p.Priors, p.Prior},
	}
}

func (t *tx) prefetch(needs readmodel.Needs) (readmodel.Rows, error) {
	p := tables.NewPrefetch(needs)
	for _, w := range wanted(p) {
		if w.list.Len() == 0 {
			continue
		}
		list, err := json.Marshal(listOf(w.list))
		if err != nil {
			return readmodel.Rows{}, fmt.Errorf("%s: %w", w.name, err)
		}
		if err := t.read(w.name, w.sql, []any{string(list)}, w.row); err != nil {
			return readmodel.Rows{}, err
		}
	}
	return p.Rows(), nil
}

func listOf(w *tables.Wanted) [][]string {
	list := make([][]string, w.Len())
	for i := range list {
		list[i] = []string{w.Tenants[i], w.Rooms[i]}
		if len(w.IDs) > 0 {
			list[i] = append(list[i], w.IDs[i])
		}
	}
	return list
}
