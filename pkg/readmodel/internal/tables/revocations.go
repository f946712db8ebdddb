package tables

import (
	"context"
	"fmt"
	"math"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Revocations writes which tokens are refused.
var Revocations = Insert[readmodel.RevocationRow]{
	Table: "revocations",
	Columns: []Column[readmodel.RevocationRow]{
		{Name: "tenant", Text: func(v *readmodel.RevocationRow) string { return string(v.Tenant) }},
		{Name: "user_id", Text: func(v *readmodel.RevocationRow) string { return string(v.User) }},
		{Name: "issued_before", Int: func(v *readmodel.RevocationRow) int64 { return v.Before }},
	},
	Conflict: `ON CONFLICT (tenant, user_id) DO UPDATE SET issued_before = excluded.issued_before
WHERE revocations.issued_before < excluded.issued_before`,
}

const selectRevocations = `SELECT v.tenant, v.user_id, v.issued_before FROM revocations v`

func scanRevocation(r Row) (readmodel.RevocationRow, error) {
	var v readmodel.RevocationRow
	err := r.Scan(&v.Tenant, &v.User, &v.Before)
	return v, err
}

// Revocation reads which of a person's tokens are refused.
func (r Reader) Revocation(ctx context.Context, t events.Tenant, u events.UserID) (readmodel.RevocationRow, bool, error) {
	return one(ctx, r.q, "revocation", scanRevocation, selectRevocations+` WHERE v.tenant = $1 AND v.user_id = $2`, string(t), string(u))
}

// Revocations reads which tokens are refused.
func (r Reader) Revocations(ctx context.Context) ([]readmodel.RevocationRow, error) {
	return list(ctx, r.q, "revocations", scanRevocation, math.MaxInt, selectRevocations+` ORDER BY v.tenant, v.user_id`)
}

type revocationDump struct {
	Before int64 `json:"issued_before"`
}

func (r Reader) dumpRevocations(ctx context.Context, row func(readmodel.DumpRow) error) error {
	return each(ctx, r.q, "dump of revocations", selectRevocations+` ORDER BY v.tenant, v.user_id`, nil, func(r Row) error {
		v, err := scanRevocation(r)
		if err != nil {
			return err
		}
		return emit(row, "revocations", fmt.Sprintf("%s %s", v.Tenant, v.User), revocationDump{v.Before})
	})
}
