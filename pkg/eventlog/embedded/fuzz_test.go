package embedded

import (
	"os"
	"path/filepath"
	"testing"
)

// Whatever stands in broker.json: an error, or what can be written again.
func FuzzInfo(f *testing.F) {
	for _, s := range []string{``, `{}`, `null`, `[]`, `{"address":"127.0.0.1:1","username":"u","password":"p","pid":7}`, `{"pid":-1}`, "\xff"} {
		f.Add([]byte(s))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, infoFile), b, 0o600); err != nil {
			t.Fatal(err)
		}
		info, err := readInfoFile(dir)
		if err != nil {
			if info != (Info{}) {
				t.Fatalf("%v, and %+v", err, info)
			}
			return
		}
		if err := writeInfoFile(dir, info); err != nil {
			t.Fatal(err)
		}
		if again, err := readInfoFile(dir); err != nil || again != info {
			t.Fatalf("%+v became %+v, %v", info, again, err)
		}
	})
}
