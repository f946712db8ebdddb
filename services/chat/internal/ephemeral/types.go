// Package ephemeral is what people in a room are told and nobody keeps: who is
// typing, who is there. It never is in the log.
//
// API replicas tell each other on a topic of its own, which may lose anything: what
// counts is said again. Each says every ten seconds who is connected to it; whoever is
// not heard of for thirty is gone, so that a replica that dies takes nobody with it
// for good.
package ephemeral

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/timeline"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
)

// Types of what is told. They stand beside the types of events in streams.
const (
	TypeTyping   events.Type = "typing"
	TypePresence events.Type = "presence"
)

// Typing says that someone types in a room, or has stopped.
type Typing struct {
	Room   events.RoomID `json:"room"`
	User   events.UserID `json:"user"`
	Typing bool          `json:"typing"`
}

// Presence says whether someone is connected. LastSeen is when they were, of those
// who are not.
type Presence struct {
	User     events.UserID  `json:"user"`
	Presence string         `json:"presence"`
	LastSeen readmodel.Time `json:"last_seen,omitempty"`
}

// Values of [Presence].
const (
	Online  = "online"
	Offline = "offline"
)

func presenceOf(u events.UserID, online bool, seen time.Time) Presence {
	if online {
		return Presence{User: u, Presence: Online}
	}
	return Presence{User: u, Presence: Offline, LastSeen: readmodel.Time(seen.UnixMilli())}
}

// told is what one replica tells the others.
type told struct {
	Replica string        `json:"replica"`
	Tenant  events.Tenant `json:"tenant,omitempty"`
	Typing  *Typing       `json:"typing,omitempty"`
	// Change is someone who has come or gone.
	Change *change `json:"change,omitempty"`
	// Here are some of those who are connected to the replica, as tenant/user.
	Here []string `json:"here,omitempty"`
}

type change struct {
	User   events.UserID `json:"user"`
	Online bool          `json:"online"`
	// Rooms are some of the person's, which are not too large to be told.
	Rooms []events.RoomID `json:"rooms,omitempty"`
}

func newMessage(t told, key string) (*message.Message, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("encode what is told: %w", err)
	}
	m := message.NewMessage(watermill.NewULID(), b)
	timeline.SetKey(m, key)
	return m, nil
}

func account(s string) (auth.Account, bool) {
	tenant, user, ok := strings.Cut(s, "/")
	return auth.Account{Tenant: events.Tenant(tenant), User: events.UserID(user)}, ok
}
