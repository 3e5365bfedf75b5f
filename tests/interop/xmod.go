// xmod.go - golang.org/x/mod's sumdb/note and sumdb/tlog judge a log of ours: a
// tree of files as C2SP tlog-tiles describes it, its signed checkpoint, and the
// proofs that libtlog made of it.
//
//	xmod check DIR VKEY PROOFS   DIR/checkpoint, all entries and tiles, PROOFS
//	xmod sign NAME               a fresh key's vkey and a note, for us to verify
//
// PROOFS has lines "i INDEX SIZE ROOT LEAF HASH..." and "c M ROOTM N ROOTN HASH...",
// hashes in base64.
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Println("FAILED:", err)
		os.Exit(1)
	}
}

func fail(format string, args ...any) { must(fmt.Errorf(format, args...)) }

func hash(s string) (h tlog.Hash) {
	b, err := base64.StdEncoding.DecodeString(s)
	must(err)
	if len(b) != len(h) {
		fail("a hash of %d bytes", len(b))
	}
	copy(h[:], b)
	return h
}

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	must(err)
	return n
}

// path is where tlog-tiles puts tile or bundle number n of a kind.
func path(kind string, n, width int64) string {
	s := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		s = fmt.Sprintf("x%03d/", n%1000) + s
	}
	if width < 256 {
		s += fmt.Sprintf(".p/%d", width)
	}
	return "tile/" + kind + "/" + s
}

// tiles is a tlog.TileReader over the files.
type tiles struct{ dir string }

func (t tiles) Height() int { return 8 }
func (t tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, w := range want {
		b, err := os.ReadFile(filepath.Join(t.dir, path(strconv.Itoa(w.L), w.N, int64(w.W))))
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func check(dir, vkey, proofs string) {
	v, err := note.NewVerifier(vkey)
	must(err)
	signed, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	must(err)
	n, err := note.Open(signed, note.VerifierList(v))
	must(err)
	lines := strings.Split(n.Text, "\n")
	if lines[0] != v.Name() {
		fail("origin %q", lines[0])
	}
	tree := tlog.Tree{N: number(lines[1]), Hash: hash(lines[2])}

	// Every entry, proven by the tiles, which x/mod authenticates by the root.
	reader := tlog.TileHashReader(tree, tiles{dir})
	for at := int64(0); at < tree.N; at += 256 {
		width := min(tree.N-at, 256)
		bundle, err := os.ReadFile(filepath.Join(dir, path("entries", at/256, width)))
		must(err)
		var index []int64
		var leaves []tlog.Hash
		for i := int64(0); i < width; i++ {
			size := binary.BigEndian.Uint16(bundle)
			leaves = append(leaves, tlog.RecordHash(bundle[2:2+size]))
			index = append(index, tlog.StoredHashIndex(0, at+i))
			bundle = bundle[2+size:]
		}
		if len(bundle) != 0 {
			fail("bytes behind bundle %d", at/256)
		}
		have, err := reader.ReadHashes(index)
		must(err)
		for i := range have {
			if have[i] != leaves[i] {
				fail("entry %d", at+int64(i))
			}
		}
	}
	fmt.Println("entries", tree.N)

	text, err := os.ReadFile(proofs)
	must(err)
	count := 0
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		f := strings.Fields(line)
		var p []tlog.Hash
		for _, h := range f[5:] {
			p = append(p, hash(h))
		}
		switch f[0] {
		case "i":
			must(tlog.CheckRecord(p, number(f[2]), hash(f[3]), number(f[1]), hash(f[4])))
			mine, err := tlog.ProveRecord(number(f[2]), number(f[1]), reader)
			must(err)
			same(p, mine)
		case "c":
			must(tlog.CheckTree(p, number(f[3]), hash(f[4]), number(f[1]), hash(f[2])))
			mine, err := tlog.ProveTree(number(f[3]), number(f[1]), reader)
			must(err)
			same(p, mine)
		default:
			fail("what is %q?", f[0])
		}
		count++
	}
	fmt.Println("proofs", count)
}

func same(a, b []tlog.Hash) {
	if len(a) != len(b) {
		fail("another length of proof")
	}
	for i := range a {
		if !bytes.Equal(a[i][:], b[i][:]) {
			fail("another proof")
		}
	}
}

func sign(name string) {
	skey, vkey, err := note.GenerateKey(rand.Reader, name)
	must(err)
	s, err := note.NewSigner(skey)
	must(err)
	text := name + "\n0\n" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\n"
	signed, err := note.Sign(&note.Note{Text: text}, s)
	must(err)
	fmt.Println(vkey)
	fmt.Print(string(signed))
}

func min(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}

func main() {
	switch {
	case len(os.Args) == 5 && os.Args[1] == "check":
		check(os.Args[2], os.Args[3], os.Args[4])
	case len(os.Args) == 3 && os.Args[1] == "sign":
		sign(os.Args[2])
	default:
		fail("usage")
	}
}
