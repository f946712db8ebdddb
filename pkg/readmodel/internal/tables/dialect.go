package tables

// Dialect is what databases differ in, and the statements that it makes, once.
type Dialect struct {
	lists  Lists
	layout Layout

	room     string
	pages    pageStatements
	events   eventStatements
	messages messageStatements
	near     nearStatements
	needs    needStatements
	outcomes outcomeStatements
	persons  personStatements
	redact   redactStatements
}

// NewDialect returns the one of a database that takes lists so, and has events so.
func NewDialect(lists Lists, l Layout) *Dialect {
	pages := newPageStatements(l)
	return &Dialect{
		lists: lists, layout: l,
		room: newRoomStatement(l), pages: pages, events: newEventStatements(l, pages), messages: newMessageStatements(l, pages), near: newNearStatements(l),
		needs: newNeedStatements(l), outcomes: newOutcomeStatements(l), persons: newPersonStatements(l), redact: newRedactStatements(l),
	}
}

// Layout is how a database has the events of a room, and so how statements reach them:
// [ByKey] or [ByPlace]. An event's seq is e.seq in both; what the row has of tenant and
// room they alone know.
type Layout interface {
	// at is the condition that e is the event of a room with a seq: a column, an argument,
	// or a sum of such, of any size.
	at(e string, of roomRef, seq string) string
	// within is the condition that e is among the events of a room, between bounds of
	// their seqs such as "> $3". They come in this order.
	within(e string, of roomRef, bounds ...string) string
	order(e string) string
	// indexed is the condition that e is an event of a room, for the index whose name has
	// the letter in ByKey. They come in the order that the index has.
	indexed(e, letter string, of roomRef) string
	// byID is the condition that e is the event of a room with an id: a column or an argument.
	byID(e string, of roomRef, id string) string
	// found is whether an event e of [Layout.all] is found by its id.
	found() string
	// highestID is the highest id of a room's events, or an empty one.
	highestID(of roomRef) string
	// withState joins an event e of a room with its state s, or none.
	withState(of roomRef) string
	// all selects columns of all events e, behind tenant and room, in the order of keys.
	all(columns string) string
}

// roomRef says which room: by its tenant and room and, where a row that is at hand has
// it, by its number, that ByPlace goes by.
type roomRef struct{ tenant, room, number string }

// given is the room of $1 and $2.
var given = roomRef{tenant: "$1", room: "$2"}

// roomOf is the one of a row that has tenant and room, roomBy that of a row that has its
// number too: one of rooms or events.
func roomOf(row string) roomRef { return roomRef{tenant: row + ".tenant", room: row + ".room"} }

func roomBy(row string) roomRef {
	of := roomOf(row)
	of.number = row + ".number"
	return of
}

// unseen hides from the planner of PostgreSQL that a room is given. Where the key's rest
// says which rows, it would see that the room is given here too, and where it knows no
// better read all of its rows, to leave out most of them.
func (of roomRef) unseen() roomRef {
	of.tenant, of.room = "COALESCE("+of.tenant+", '')", "COALESCE("+of.room+", '')"
	return of
}

// is is the condition that a row is of the room.
func (of roomRef) is(row string) string {
	return row + `.tenant = ` + of.tenant + ` AND ` + row + `.room = ` + of.room
}
