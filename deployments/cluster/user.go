package cluster

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// A server may not run as root: PostgreSQL refuses it. So when we are root, it
// runs as nobody, and its files must lie where nobody can go. An account is
// that user; nil means that we are an ordinary user and need no other.
type account struct{ uid, gid int }

func serverAccount() *account {
	if os.Geteuid() != 0 {
		return nil
	}
	if nobody, err := user.Lookup("nobody"); err == nil {
		uid, errUID := strconv.ParseUint(nobody.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(nobody.Gid, 10, 32)
		if errUID == nil && errGID == nil && uid != 0 {
			return &account{uid: int(uid), gid: int(gid)}
		}
	}
	return &account{uid: 65534, gid: 65534}
}

// attributes makes a command run as the account.
func (a *account) attributes() *syscall.SysProcAttr {
	if a == nil {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}}
}

// own gives a file or directory to the account.
func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, a.uid, a.gid)
}

// reaches tells whether the account may enter the directory and all above it.
// Those of them that do not exist yet will be made by us, for all to enter. It
// looks at the permission for others only, which is enough for "nobody".
func (a *account) reaches(dir string) (bool, error) {
	if a == nil {
		return true, nil
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return false, err
	}
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case os.IsNotExist(err):
		case err != nil:
			return false, err
		case info.Mode().Perm()&0o001 == 0:
			return false, nil
		}
		if dir == filepath.Dir(dir) {
			return true, nil
		}
	}
}

// mkdirOpen makes a directory and its missing parents, each for all to enter
// whatever the umask says.
func mkdirOpen(dir string) error {
	if info, err := os.Stat(dir); err == nil {
		if !info.IsDir() {
			return fmt.Errorf("%s is not a directory", dir)
		}
		return nil
	}
	if err := mkdirOpen(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
		return err
	}
	return os.Chmod(dir, 0o755)
}
