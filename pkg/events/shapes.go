package events

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Facts hold ints: a program with smaller ones would refuse records that others
// accept, so there is none.
const _ int = 1 << 62

// versions are the shapes that the facts of a type were ever written in, by
// version: the first one is version 1.
type versions []shape

// shape is how the facts of one version are read.
type shape struct {
	read  func(facts string) (any, error)
	names *names
	// next gives what was read in the shape of the next version: the upcaster. The
	// newest version has none.
	next func(any) any
}

// shapes has every type and version ever written.
//
// The fields of a shape, their names and their types never change. A field that
// is added parks the rooms that use it in older programs, which is right: it is
// a fact that they do not know. A shape that changes otherwise is another version.
var shapes = map[Type]versions{
	TypeRoomCreated:   {shapeOf[RoomCreated]()},
	TypeMemberChanged: {shapeOf[MemberChanged]()},
	TypeMessagePosted: {postedShape()},

	TypeRoomUpdated:   {shapeOf[RoomUpdated]()},
	TypeRoomDeleted:   {shapeOf[RoomDeleted]()},
	TypeRulesUpgraded: {shapeOf[RulesUpgraded]()},

	TypeMessageEdited:   {shapeOf[MessageEdited]()},
	TypeMessageRedacted: {older(messageRedacted1.next), shapeOf[MessageRedacted]()},
	TypeMessagePinned:   {shapeOf[MessagePinned]()},
	TypeMessageUnpinned: {shapeOf[MessageUnpinned]()},
	TypeReactionAdded:   {shapeOf[ReactionAdded]()},
	TypeReactionRemoved: {shapeOf[ReactionRemoved]()},

	TypeMarkMoved:          {shapeOf[MarkMoved]()},
	TypePreferencesChanged: {shapeOf[PreferencesChanged]()},

	TypeTokensRevoked: {shapeOf[TokensRevoked]()},
}

// written are the types and versions as a record says them. Who looks one up makes no text.
var written = func() map[string]typeVersion {
	all := map[string]typeVersion{}
	for t, v := range shapes {
		for version := range len(v) {
			all[t.Versioned(version+1)] = typeVersion{t, version + 1}
		}
	}
	return all
}()

type typeVersion struct {
	Type
	version int
}

// Types lists the types that this program knows, ascending.
func Types() []Type { return slices.Sorted(maps.Keys(shapes)) }

// Newest is the newest version of a type that this program knows, the one that
// [Encode] writes; zero where it does not know the type.
func Newest(t Type) int { return len(shapes[t]) }

// DecodeFacts reads the facts of an event, as [Decode] does, from where they are
// kept without the rest. An error says that they are none of that type and
// version, or [ErrNewerVersion].
func DecodeFacts(t Type, version int, facts string) (Facts, error) {
	v := shapes[t]
	if version < 1 || version > len(v) {
		return nil, fmt.Errorf("%w: %s", ErrNewerVersion, t.Versioned(version))
	}
	return v.decode(version, facts)
}

func (v versions) decode(version int, facts string) (Facts, error) {
	f, err := v[version-1].read(facts)
	if err != nil {
		return nil, err
	}
	for _, older := range v[version-1 : len(v)-1] {
		f = older.next(f)
	}
	return f.(Facts), nil
}

// shapeOf is the shape of a type's newest version.
func shapeOf[F Facts]() shape { return shape{read: readAs[F], names: namesOf(reflect.TypeFor[F]())} }

// older is the shape of a version that was followed by another.
func older[F, Next any](next func(F) Next) shape {
	return shape{read: readAs[F], names: namesOf(reflect.TypeFor[F]()), next: func(f any) any { return next(f.(F)) }}
}

func readAs[F any](facts string) (any, error) {
	var f F
	if err := json.Unmarshal([]byte(facts), &f); err != nil {
		return nil, err
	}
	return f, nil
}

// names are the names that an object may have.
type names struct {
	fields map[string]field
}

type field struct {
	bit   uint64 // tells it from the other fields of its object
	names *names // of the objects in it
}

var (
	// anyNames stands for content: any names, in any spelling.
	anyNames *names
	// noNames stands for facts that this program does not know.
	noNames = &names{}
)

// namesOf gives the JSON names of a type's fields. All facts are structs whose
// fields have a json tag; there are at most 64 in one.
func namesOf(t reflect.Type) *names {
	if t.Kind() == reflect.Slice {
		return namesOf(t.Elem())
	}
	if t.Kind() != reflect.Struct {
		return noNames
	}
	n := &names{fields: map[string]field{}}
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous {
			continue // its fields follow
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		n.fields[name] = field{bit: 1 << len(n.fields), names: namesOf(f.Type)}
	}
	return n
}
