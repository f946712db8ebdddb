package chat_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/services/chat"
)

func TestValidate(t *testing.T) {
	good := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(good, []byte(" "+strings.Repeat("s", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte(strings.Repeat("s", 31)+" "), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name    string
		cfg     chat.Config
		warning string
		err     string
	}{
		{"good", chat.Config{SecretFile: good}, "", ""},
		{"no secret", chat.Config{}, "", "--secret-file"},
		{"a short secret", chat.Config{SecretFile: short}, "", "31 bytes"},
		{"no file", chat.Config{SecretFile: good + "x"}, "", "no such file"},
		{"a tenant that is none", chat.Config{SecretFile: good, Tenants: []string{"a/b"}}, "", "--tenants"},
		{"a rate below", chat.Config{SecretFile: good, Rate: -1}, "", "--rate"},
		{"a time below", chat.Config{SecretFile: good, PublishTimeout: -1}, "", "--publish-timeout"},
		{"an issuer in the place of a secret", chat.Config{JWKS: []chat.Issuer{{URL: "https://id.example"}}, Audience: []string{"chat"}}, "", ""},
		{"tokens for anything", chat.Config{JWKS: []chat.Issuer{{URL: "https://id.example"}}}, "--audience", ""},
		{"an issuer without TLS", chat.Config{JWKS: []chat.Issuer{{URL: "http://id.example"}}, Audience: []string{"chat"}}, "no TLS", ""},
		{"an issuer here", chat.Config{JWKS: []chat.Issuer{{URL: "http://127.0.0.1:1/keys"}}, Audience: []string{"chat"}}, "", ""},
		{"an issuer that speaks for all", chat.Config{SecretFile: good, JWKS: []chat.Issuer{{URL: "https://id.example"}}, Audience: []string{"chat"}}, "all tenants", ""},
		{"an issuer that speaks for one", chat.Config{SecretFile: good, JWKS: []chat.Issuer{{URL: "https://id.example", Tenants: []string{"acme"}}}, Audience: []string{"chat"}}, "", ""},
		{"an issuer that is none", chat.Config{JWKS: []chat.Issuer{{URL: "id.example"}}, Audience: []string{"chat"}}, "", "--jwks"},
		{"an issuer of a tenant that is none", chat.Config{JWKS: []chat.Issuer{{URL: "https://id.example", Tenants: []string{"a/b"}}}, Audience: []string{"chat"}}, "", "--jwks"},
		{"a hook", chat.Config{SecretFile: good, Hook: chat.HookConfig{URL: "https://hook.example/x", SecretFile: good}}, "", ""},
		{"a hook that cannot know us", chat.Config{SecretFile: good, Hook: chat.HookConfig{URL: "https://hook.example/x"}}, "not signed", ""},
		{"a hook without TLS", chat.Config{SecretFile: good, Hook: chat.HookConfig{URL: "http://hook.example/x", SecretFile: good}}, "no TLS", ""},
		{"a hook that is none", chat.Config{SecretFile: good, Hook: chat.HookConfig{URL: "hook.example", SecretFile: good}}, "", "--hook:"},
		{"a hook without a secret's file", chat.Config{SecretFile: good, Hook: chat.HookConfig{URL: "https://hook.example", SecretFile: good + "x"}}, "", "--hook-secret-file"},
		{"a hook that outlasts the log", chat.Config{SecretFile: good, Hook: chat.HookConfig{URL: "https://hook.example", SecretFile: good, Timeout: time.Minute}}, "", "--hook-timeout"},
		{"a hook that fails somehow", chat.Config{SecretFile: good, Hook: chat.HookConfig{URL: "https://hook.example", SecretFile: good, OnFailure: "open"}}, "", "--hook-on-failure"},
		{"a hook for no type", chat.Config{SecretFile: good, Hook: chat.HookConfig{URL: "https://hook.example", SecretFile: good, Types: []string{"messages"}}}, "", "--hook-types"},
		{"all the world", chat.Config{SecretFile: good, Listen: "0.0.0.0:80"}, "not loopback", ""},
		{"IPv6", chat.Config{SecretFile: good, Listen: "[::1]:0"}, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			warnings, err := tc.cfg.Validate()
			if tc.err == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("error %v", err)
			}
			if tc.warning == "" != (len(warnings) == 0) || tc.warning != "" && !strings.Contains(warnings[0], tc.warning) {
				t.Errorf("warnings %v", warnings)
			}
			if err == nil && (len(tc.cfg.Secret) != 32 && tc.cfg.SecretFile != "" || tc.cfg.Burst == 0) {
				t.Errorf("a secret of %d bytes, a burst of %d", len(tc.cfg.Secret), tc.cfg.Burst)
			}
		})
	}
}

func TestIssuerAsText(t *testing.T) {
	for text, want := range map[string]string{
		"https://id.example":                   "[] https://id.example",
		"https://id.example/keys?v=2":          "[] https://id.example/keys?v=2",
		"acme=https://id.example":              "[acme] https://id.example",
		"acme,b@c=http://127.0.0.1:8/keys?v=2": "[acme b@c] http://127.0.0.1:8/keys?v=2",
		"a/b=https://id.example":               "",
		"=https://id.example":                  "",
		"id.example":                           "",
		"ftp://id.example":                     "",
		"https://user:word@id.example":         "",
		"https://id.example#x":                 "",
		"https:///keys":                        "",
		"":                                     "",
	} {
		var i chat.Issuer
		err := i.UnmarshalText([]byte(text))
		if want == "" != (err != nil) || err == nil && fmt.Sprint(i.Tenants, " ", i.URL) != want {
			t.Errorf("%q became %+v, %v", text, i, err)
		}
		if back, _ := i.MarshalText(); err == nil && string(back) != text {
			t.Errorf("%q is written as %s", text, back)
		}
	}
}

func TestSecretHides(t *testing.T) {
	c := chat.Config{Secret: chat.Secret("very secret words"), Hook: chat.HookConfig{Secret: chat.Secret("very secret too")}}
	j, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v %s %x", c, c, c.Secret, c.Secret), string(j)} {
		if strings.Contains(s, "very secret") || strings.Contains(s, fmt.Sprintf("%x", "very secret")) {
			t.Errorf("shown: %s", s)
		}
	}
}
