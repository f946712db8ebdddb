package jwks

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"go.uber.org/goleak"

	"github.com/roomlog/roomlog/services/chat/internal/auth/authtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSilentIssuer(t *testing.T) {
	i := authtest.NewIssuer(t)
	i.SetFault(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s := New(i.URL, time.Now, slog.New(slog.DiscardHandler))
	s.patience = 50 * time.Millisecond
	if _, err := s.Keys(t.Context(), "k", "EdDSA"); !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// Who hangs up does not wait, and takes nothing from those who do not.
func TestClientHangsUp(t *testing.T) {
	i := authtest.NewIssuer(t)
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))
	asked, answer := make(chan struct{}), make(chan struct{})
	i.SetFault(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-answer
		if err := json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{authtest.Key("k", "", private)}}); err != nil {
			t.Error(err)
		}
	})
	s := New(i.URL+"/keys", time.Now, slog.New(slog.DiscardHandler))
	ctx, hangUp := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := s.Keys(ctx, "k", "EdDSA")
		first <- err
	}()
	<-asked
	hangUp()
	if _, err := s.Keys(ctx, "k", "EdDSA"); !errors.Is(err, context.Canceled) {
		t.Errorf("one that is gone waits: %v", err)
	}
	close(answer)
	if err := <-first; err != nil {
		t.Errorf("the request died with its client: %v", err)
	}
}
