package events

import (
	"errors"
	"strconv"
	"strings"
)

// ErrNewerVersion says that facts are of a version, or a type, that only a newer
// program knows.
var ErrNewerVersion = errors.New("facts of a newer program")

// maxVersion is the highest version that a type can have.
const maxVersion = 999

// Versioned is the type with the version of its facts' shape, as ce_type and the
// tables have it: "message.redacted.v2". The bare type is version 1.
func (t Type) Versioned(version int) string {
	if version <= 1 {
		return string(t)
	}
	return string(t) + ".v" + strconv.Itoa(version)
}

// SplitType takes apart what [Type.Versioned] made. It looks at the text alone, so
// that every program, older ones too, finds the same type in a record.
func SplitType(s string) (Type, int) {
	i := strings.LastIndex(s, ".v")
	if i <= 0 {
		return Type(s), 1
	}
	version, err := strconv.Atoi(s[i+2:])
	t := Type(s[:i])
	if err != nil || version < 2 || version > maxVersion || t.Versioned(version) != s {
		return Type(s), 1
	}
	return t, version
}
