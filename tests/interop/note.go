// note.go - golang.org/x/mod's sumdb/note opens a signed note: note VKEYFILE
// NOTEFILE prints its text, or fails.  All that is ours here is reading files.
package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "FAILED", err)
		os.Exit(1)
	}
}

func main() {
	key, err := os.ReadFile(os.Args[1])
	must(err)
	msg, err := os.ReadFile(os.Args[2])
	must(err)
	verifier, err := note.NewVerifier(strings.TrimSpace(string(key)))
	must(err)
	n, err := note.Open(msg, note.VerifierList(verifier))
	must(err)
	fmt.Print(n.Text)
}
