package cluster

import (
	"archive/tar"
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/ulikunitz/xz"
)

// unpackPostgres writes the server inside a zonky jar (a .txz in a zip) to dir.
func unpackPostgres(jar, dir string) error {
	archive, err := zip.OpenReader(jar)
	if err != nil {
		return err
	}
	defer func() { _ = archive.Close() }()
	for _, entry := range archive.File {
		if !strings.HasSuffix(entry.Name, ".txz") {
			continue
		}
		packed, err := entry.Open()
		if err != nil {
			return err
		}
		defer func() { _ = packed.Close() }()
		plain, err := xz.NewReader(packed)
		if err != nil {
			return err
		}
		return unpackTar(plain, dir)
	}
	return errors.New("no .txz in it")
}

// unpackTar writes an archive to dir, which it makes. Nothing is written
// outside of it, whatever the archive's names and links say.
func unpackTar(archive io.Reader, dir string) error {
	if err := mkdirOpen(dir); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()

	for entries := tar.NewReader(archive); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := unpackEntry(root, entry, entries); err != nil {
			return fmt.Errorf("%s: %w", entry.Name, err)
		}
	}
}

// unpackEntry writes one entry, readable by all: the server may run as another user than the owner.
func unpackEntry(root *os.Root, entry *tar.Header, content io.Reader) error {
	name := path.Clean(entry.Name)
	switch entry.Typeflag {
	case tar.TypeDir:
		return unpackDir(root, name)
	case tar.TypeSymlink:
		if err := unpackDir(root, path.Dir(name)); err != nil {
			return err
		}
		return root.Symlink(entry.Linkname, name)
	case tar.TypeReg:
	default:
		return fmt.Errorf("an entry of type %q is not expected here", entry.Typeflag)
	}

	if err := unpackDir(root, path.Dir(name)); err != nil {
		return err
	}
	mode := os.FileMode(0o644) | os.FileMode(entry.Mode)&0o111
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Chmod(mode), file.Close())
}

func unpackDir(root *os.Root, name string) error {
	if name == "." {
		return nil
	}
	if err := root.MkdirAll(name, 0o755); err != nil {
		return err
	}
	return root.Chmod(name, 0o755)
}
