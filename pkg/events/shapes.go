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

// shape is how the facts of a type are read.
type shape struct {
	decode func(facts []byte) (Facts, error)
	names  *names
}

// shapes has every type and version ever written.
//
// The fields of a shape, their names and their types never change. A field that
// is added parks the rooms that use it in older programs, which is right: it is
// a fact that they do not know.
var shapes = map[Type]shape{
	TypeRoomCreated:   shapeOf[RoomCreated](),
	TypeMemberChanged: shapeOf[MemberChanged](),
	TypeMessagePosted: postedShape(),

	TypeRoomUpdated:   shapeOf[RoomUpdated](),
	TypeRoomDeleted:   shapeOf[RoomDeleted](),
	TypeRulesUpgraded: shapeOf[RulesUpgraded](),

	TypeMessageEdited:   shapeOf[MessageEdited](),
	TypeMessageRedacted: shapeOf[MessageRedacted](),
	TypeMessagePinned:   shapeOf[MessagePinned](),
	TypeMessageUnpinned: shapeOf[MessageUnpinned](),
	TypeReactionAdded:   shapeOf[ReactionAdded](),
	TypeReactionRemoved: shapeOf[ReactionRemoved](),

	TypeMarkMoved:          shapeOf[MarkMoved](),
	TypePreferencesChanged: shapeOf[PreferencesChanged](),

	TypeTokensRevoked: shapeOf[TokensRevoked](),
}

// Types lists the types that this program knows, ascending.
func Types() []Type { return slices.Sorted(maps.Keys(shapes)) }

// DecodeFacts reads the facts of an event, as [Decode] does, from where they are
// kept without the rest. An error says that they are none of that type.
func DecodeFacts(t Type, facts []byte) (Facts, error) {
	shape, known := shapes[t]
	if !known {
		return nil, fmt.Errorf("type %q is not known", t)
	}
	return shape.decode(facts)
}

func shapeOf[F Facts]() shape {
	return shape{
		decode: func(facts []byte) (Facts, error) {
			var f F
			if err := json.Unmarshal(facts, &f); err != nil {
				return nil, err
			}
			return f, nil
		},
		names: namesOf(reflect.TypeFor[F]()),
	}
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
