// Package jwks keeps the public keys with which an issuer's tokens are checked.
//
// Keys are fetched by and by ([Set.Run]), and when a token names one that is not
// known: so a new key is taken at once. While the issuer does not answer, the keys
// that are there stay. A set is safe for concurrent use.
package jwks

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// refresh is how old keys get: for so long is one good that its issuer has
	// withdrawn.
	refresh = 5 * time.Minute
	// pause is the least time between two fetches: tokens with made-up keys do not
	// become requests.
	pause = 10 * time.Second
	// patience is how long the issuer may take.
	patience = 5 * time.Second
)

var (
	// ErrUnknownKey says that the issuer has no such key.
	ErrUnknownKey = errors.New("the issuer has no such key")
	// ErrUnavailable says that a key is not known and its issuer does not answer.
	ErrUnavailable = errors.New("the issuer's keys cannot be fetched")
)

// Set is the keys of one issuer.
type Set struct {
	address string
	client  *http.Client
	now     func() time.Time
	log     *slog.Logger
	// patience is how long the issuer may take.
	patience time.Duration
	busy     chan struct{} // holds one while they are fetched
	state    atomic.Pointer[state]
}

// state is what is known of the issuer; it does not change.
type state struct {
	keys    map[string][]key
	issuer  string
	fetched time.Time // when the keys were
	tried   time.Time
	err     error // of the last try
}

// New makes the set of an address: that of a JWKS, or an OpenID Connect issuer.
// It fetches nothing yet.
func New(address string, now func() time.Time, log *slog.Logger) *Set {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true // it is asked every few minutes
	s := &Set{
		address: address, now: now, log: log, patience: patience, busy: make(chan struct{}, 1),
		client: &http.Client{
			Transport: transport,
			// A redirect could lead anywhere, also to where there is no TLS.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	s.state.Store(&state{})
	return s
}

// Run keeps the keys fresh until ctx ends.
func (s *Set) Run(ctx context.Context) error {
	for {
		next := refresh
		if st, err := s.fetch(ctx, ctx); err != nil || st.err != nil {
			next = pause
		}
		again := time.NewTimer(next)
		select {
		case <-ctx.Done():
			again.Stop()
			return nil
		case <-again.C:
		}
	}
}

// Known are the public keys that may check a token with the key id and algorithm,
// as far as they have been fetched. A token that names no key is one of an issuer
// that has one only. Errors: [ErrUnknownKey].
func (s *Set) Known(_ context.Context, id, alg string) ([]crypto.PublicKey, error) {
	return s.state.Load().find(id, alg)
}

// Keys is Known, and asks the issuer where nothing is. Errors: [ErrUnknownKey],
// [ErrUnavailable], that of ctx.
func (s *Set) Keys(ctx context.Context, id, alg string) ([]crypto.PublicKey, error) {
	found, err := s.Known(ctx, id, alg)
	if err == nil {
		return found, nil
	}
	// Others wait for it too: it goes on where this one's client hangs up.
	st, err := s.fetch(ctx, context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	found, err = st.find(id, alg)
	if err != nil && st.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, st.err)
	}
	return found, err
}

// Version is another one when the keys, or the issuer's name, may have changed.
func (s *Set) Version() any { return s.state.Load() }

// Issuer is what the issuer calls itself; empty where only its keys are known.
func (s *Set) Issuer() string { return s.state.Load().issuer }

// Status is for those who look after the service.
type Status struct {
	Address string    `json:"address"`
	Issuer  string    `json:"issuer,omitempty"`
	Keys    int       `json:"keys"`
	Fetched time.Time `json:"fetched,omitzero"`
}

// Status tells how fresh the keys are. The error is that of the last try.
func (s *Set) Status() (Status, error) {
	st := s.state.Load()
	n := 0
	for _, k := range st.keys {
		n += len(k)
	}
	return Status{Address: s.address, Issuer: st.issuer, Keys: n, Fetched: st.fetched}, st.err
}

// fetch fetches the keys, unless that was tried a moment ago, and gives what is
// known then. The error is that of the context in which it waits for its turn.
func (s *Set) fetch(turn, work context.Context) (*state, error) {
	select {
	case s.busy <- struct{}{}:
		defer func() { <-s.busy }()
	case <-turn.Done():
		return nil, turn.Err()
	}
	st, now := *s.state.Load(), s.now()
	if !st.tried.IsZero() && now.Sub(st.tried) < pause {
		return &st, nil
	}
	bounded, cancel := context.WithTimeout(work, s.patience)
	defer cancel()
	keys, issuer, err := fetch(bounded, s.client, s.address)
	if err != nil && st.err == nil && work.Err() == nil {
		s.log.Warn("keys of tokens cannot be fetched; those that are there stay", "address", s.address, "error", err)
	}
	if st.tried, st.err = now, err; err == nil {
		st.keys, st.issuer, st.fetched = keys, issuer, now
	}
	s.state.Store(&st)
	return &st, nil
}

func (st *state) find(id, alg string) (found []crypto.PublicKey, err error) {
	keys := st.keys[id]
	if id == "" && len(st.keys) == 1 {
		for _, keys = range st.keys {
		}
	}
	for _, k := range keys {
		if k.fits(alg) {
			found = append(found, k.public)
		}
	}
	if len(found) == 0 {
		return nil, ErrUnknownKey
	}
	return found, nil
}
