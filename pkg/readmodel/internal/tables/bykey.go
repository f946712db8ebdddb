package tables

import "strings"

// ByKey is the layout of PostgreSQL: rows have tenant, room and seq, which are their key.
// An index other than that begins with an expression that names it and stands for tenant
// and room: see the migrations.
var ByKey Layout = keyLayout{}

type keyLayout struct{}

func (keyLayout) at(e string, of roomRef, seq string) string {
	return of.is(e) + ` AND ` + e + `.seq = ` + seq
}

func (keyLayout) within(e string, of roomRef, bounds ...string) string {
	and := ` AND ` + e + `.seq `
	return strings.Join(append([]string{of.is(e)}, bounds...), and)
}

func (keyLayout) order(e string) string { return e + `.seq` }

func (keyLayout) indexed(e, letter string, of roomRef) string {
	named := func(tenant, room string) string {
		return `('` + letter + `/' || ` + tenant + ` || '/' || ` + room + `)`
	}
	return named(e+".tenant", e+".room") + ` = ` + named(text(of.tenant), text(of.room))
}

func (l keyLayout) byID(e string, of roomRef, id string) string {
	return l.indexed(e, "i", of) + ` AND ` + e + `.event_id = ` + id
}

func (l keyLayout) highestID(of roomRef) string {
	return `COALESCE((SELECT e.event_id FROM events e WHERE ` + l.indexed("e", "i", of) + ` ORDER BY e.event_id DESC LIMIT 1), '')`
}

func (keyLayout) withState(roomRef) string {
	return `LEFT JOIN message_states s ON ` + roomOf("e").is("s") + ` AND s.seq = e.seq`
}

// found is true: the index of ids has each of them.
func (keyLayout) found() string { return `TRUE` }

func (keyLayout) all(columns string) string {
	return `SELECT e.tenant, e.room, ` + columns + ` FROM events e ORDER BY e.tenant, e.room, e.seq`
}

// text gives the argument of an expression its type.
func text(value string) string {
	if strings.HasPrefix(value, "$") {
		return `CAST(` + value + ` AS TEXT)`
	}
	return value
}
