package chat

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/command"
	"github.com/roomlog/roomlog/services/chat/internal/hook"
)

// HookConfig says who is asked before a command is published.
type HookConfig struct {
	URL        string        `name:"hook" help:"Where commands are posted to before they are published: it may refuse them, or give messages another text. None: nobody is asked."`
	SecretFile string        `name:"hook-secret-file" help:"File with the secret that signs what is posted to the hook (Standard Webhooks): at least 32 bytes." type:"path"`
	Timeout    time.Duration `name:"hook-timeout" help:"How long the hook may take for a command." default:"300ms"`
	OnFailure  string        `name:"hook-on-failure" help:"What becomes of commands while the hook fails: allow or refuse." default:"refuse"`
	Types      []string      `name:"hook-types" help:"Types of events that the hook is asked about, such as message.posted, separated by commas; none: all."`

	// Secret is used instead of SecretFile where it is not empty.
	Secret Secret `kong:"-"`
}

var eventType = regexp.MustCompile(`^[a-z_]+(\.[a-z0-9_]+)+$`)

func (c *HookConfig) validate(publish time.Duration) (warnings []string, err error) {
	orDefault(&c.Timeout, 300*time.Millisecond)
	orDefault(&c.OnFailure, "refuse")
	if c.URL == "" {
		return nil, nil
	}
	var errs []error
	if u, err := url.Parse(c.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		errs = append(errs, errors.New("--hook: this is a URL with http or https and without a password"))
	}
	if inTheClear(c.URL) {
		warnings = append(warnings, "--hook has no TLS: messages travel in the clear, and who can change the answers decides")
	}
	if len(c.Secret) == 0 && c.SecretFile != "" {
		if c.Secret, err = ReadSecret(c.SecretFile); err != nil {
			errs = append(errs, fmt.Errorf("--hook-secret-file: %w", err))
		}
	} else if len(c.Secret) == 0 {
		warnings = append(warnings, "what is posted to the hook is not signed: use --hook-secret-file")
	}
	if c.Timeout < 0 || c.Timeout >= publish {
		errs = append(errs, fmt.Errorf("--hook-timeout is %s, must be positive and less than --publish-timeout, %s", c.Timeout, publish))
	}
	if c.OnFailure != "allow" && c.OnFailure != "refuse" {
		errs = append(errs, fmt.Errorf("--hook-on-failure is %q, must be allow or refuse", c.OnFailure))
	}
	for _, t := range c.Types {
		if !eventType.MatchString(t) {
			errs = append(errs, fmt.Errorf("--hook-types: %q is no type of events", t))
		}
	}
	return warnings, errors.Join(errs...)
}

// open makes the hook; nil: there is none.
func (c *HookConfig) open(o hook.Observer, logger *slog.Logger) (*hook.Hook, error) {
	if c.URL == "" {
		return nil, nil
	}
	types := make([]events.Type, len(c.Types))
	for i, t := range c.Types {
		types[i] = events.Type(t)
	}
	h, err := hook.New(hook.Config{
		URL: c.URL, Secret: c.Secret, Timeout: c.Timeout, Allow: c.OnFailure == "allow", Types: types,
		Now: time.Now, Observer: o, Logger: logger,
	})
	if err != nil {
		return nil, fmt.Errorf("--hook-secret-file: %w", err)
	}
	return h, nil
}

// askedHook is the hook as commands know it: nothing where there is none.
func (s *Service) askedHook() command.Hook {
	if s.hook == nil {
		return nil
	}
	return s.hook
}
